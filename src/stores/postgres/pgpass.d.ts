declare module 'pgpass' {
  /** Finds the password of a connection in the file that PGPASSFILE names, or ~/.pgpass. */
  export default function pgpass(connection: object, found: (password: string | undefined) => void): void;
}
