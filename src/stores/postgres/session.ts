import { Client } from 'pg';
import pgpass from 'pgpass';
import { asDenial, asFailure, type Context, isFatal } from './failures.ts';
import type { Place } from './url.ts';

export type Row = Readonly<Record<string, unknown>>;

/** What a parameter may be; a Buffer is an array in binary form (arrays.ts). */
export type Value = string | number | boolean | null | Buffer;

export interface Result {
  readonly rows: readonly Row[];
  readonly count: number;
}

const CONNECT_TIMEOUT = 10_000;

/**
 * One connection, which takes one statement after the other, whoever asks. Everything that it throws of the driver is a
 * Failure, or was made one by `fail`.
 */
export class Session {
  readonly #client: Client;
  readonly #context: Context;
  #turn: Promise<unknown> = Promise.resolve();
  #lastAnswer = performance.now();
  #closed: Error | undefined;
  #heart: NodeJS.Timeout | undefined;

  private constructor(client: Client, context: Context) {
    this.#client = client;
    this.#context = context;
    // What ends a connection while nobody asks anything is told to who asks next.
    client.on('error', (error: Error) => {
      this.#closed ??= error;
    });
  }

  static async open(place: Place): Promise<Session> {
    const context = { location: place.location, schema: place.schema, password: null, user: undefined };
    let client: Client | undefined;
    try {
      client = new Client({
        connectionString: place.connectionString,
        application_name: 'iam',
        connectionTimeoutMillis: CONNECT_TIMEOUT,
        keepAlive: true,
        keepAliveInitialDelayMillis: 5000,
      });
      const { user, password } = client;
      // The driver would warn that it will not look there for ever.
      if (!password) takePasswordFile(client);
      const session = new Session(client, { ...context, user, password: password ?? null });
      await client.connect();
      return session;
    } catch (error) {
      client?.end().catch(() => {});
      throw asFailure({ ...context, password: client?.password ?? null }, error);
    }
  }

  get user(): string | undefined {
    return this.#context.user;
  }

  /** Runs one statement, prepared under `name` when it has one; without values it may be several. */
  query(text: string, values?: readonly Value[], name?: string): Promise<Result> {
    const next = this.#turn.then(async () => {
      if (this.#closed) throw this.#closed;
      try {
        const result = await this.#client.query({
          text,
          ...(values ? { values: [...values] } : {}),
          ...(name === undefined ? {} : { name }),
        });
        return { rows: result.rows ?? [], count: result.rowCount ?? 0 };
      } catch (error) {
        if (isFatal(error)) this.#closed ??= error as Error;
        throw this.#closed ?? error;
      } finally {
        this.#lastAnswer = performance.now();
      }
    });
    this.#turn = next.catch(() => {});
    return next;
  }

  /** What the driver threw as ours. */
  fail(error: unknown): unknown {
    return asFailure(this.#context, error);
  }

  /** What the driver threw as ours: where the role may not do `what`, who may. */
  failAs(what: string, role: 'writer' | 'migrator', error: unknown): unknown {
    return asDenial(this.#context, what, role, error) ?? this.fail(error);
  }

  /** Asks something whenever nothing was asked for `interval` milliseconds, so that the server knows of us. */
  keepAlive(interval: number): void {
    this.#heart ??= setInterval(() => {
      if (performance.now() - this.#lastAnswer >= interval) this.query('SELECT 1').catch(() => {});
    }, interval / 2).unref();
  }

  /** Ends the connection without waiting for what was asked. */
  async abandon(): Promise<void> {
    clearInterval(this.#heart);
    this.#closed ??= new Error('the connection is closed');
    await this.#client.end().catch(() => {});
  }

  /** Ends the connection, and what it did not commit. */
  async close(): Promise<void> {
    this.#closed ??= new Error('the connection is closed');
    await this.#turn;
    await this.abandon();
  }
}

function takePasswordFile(client: Client): void {
  const settings = client as unknown as { password: unknown };
  settings.password = (connection: object) =>
    new Promise<string | undefined>((resolve) => pgpass(connection, resolve));
}
