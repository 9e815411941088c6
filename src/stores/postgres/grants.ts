/** The roles of a store that do not own it, named `SCHEMA_ROLE`. Its owner, `SCHEMA_migrator`, needs no grant. */
export const ROLES = ['reader', 'writer'] as const;

type Role = (typeof ROLES)[number];

const READ = [
  'migration',
  'meta',
  'revision',
  'resource',
  'edge',
  'moment',
  'tally',
  'audit',
  'secret',
  'lock',
];
/** What a writer changes. The rest it may at most add to. */
const CHANGE = ['meta', 'resource', 'edge', 'moment', 'tally', 'lock'];
/** What is never taken away. */
const KEEP = ['secret'];
const ADD = ['revision', 'audit', 'secret_hash'];
/** What no reader may know. */
const SECRET = ['secret_hash'];

/**
 * The statements that give one role what it may; to run them again changes nothing. Tables are named one by one, so
 * that one with secrets is withheld unless it is put here.
 */
export function grantsTo(role: Role, schema: string): string {
  const name = `"${schema}_${role}"`;
  const on = (tables: readonly string[]) => tables.map((table) => `"${schema}"."${table}"`).join(', ');
  const read = [`GRANT USAGE ON SCHEMA "${schema}" TO ${name}`, `GRANT SELECT ON ${on(READ)} TO ${name}`];
  const write = [
    `GRANT SELECT ON ${on(SECRET)} TO ${name}`,
    `GRANT INSERT, UPDATE, DELETE ON ${on(CHANGE)} TO ${name}`,
    `GRANT INSERT, UPDATE ON ${on(KEEP)} TO ${name}`,
    `GRANT INSERT ON ${on(ADD)} TO ${name}`,
  ];
  return [...read, ...(role === 'writer' ? write : [])].map((line) => `${line};\n`).join('');
}
