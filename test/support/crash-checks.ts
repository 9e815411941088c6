import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parse } from 'csv-parse/sync';
import { expect } from 'vitest';
import { sha256 } from '../../src/core/hash.ts';
import { edgesOf, identityOf } from '../../src/core/resource.ts';
import { sqliteStore } from '../../src/stores/sqlite/sqlite-store.ts';
import type { Head } from '../../src/stores/store.ts';
import { type Everything, everything } from '../contract/entries.ts';
import { isChain } from '../contract/store-records.ts';
import { runIam } from './run-iam.ts';

/** What a store says at one moment, once it was found to be whole. */
export interface Found {
  readonly head: Head;
  readonly revisions: Everything['revisions'];
  /** Its resources with what the ledger knows of them, but for their uids, by identity. */
  readonly state: Readonly<Record<string, string>>;
}

/**
 * Reads the store of a `.iam` folder and fails unless it is whole: SQLite finds nothing wrong, revisions count from 1,
 * the audit is a chain, and tallies, edges and addresses are those of the resources.
 *
 * Looks at a copy in `aside`, which must not be there: opening a store mends what a kill has left, and that is for
 * the program to do.
 */
export async function inspect(folder: string, aside: string): Promise<Found> {
  if (existsSync(folder))
    cpSync(folder, aside, { recursive: true, filter: (from) => !from.endsWith('/snapshot') });
  const file = path.join(aside, 'iam.db');
  const { head, resources, revisions, audit } = await everything(
    sqliteStore({ file, location: file, lockTimeout: 1000 }),
  );
  expect(revisions.map(({ revision }) => revision)).toEqual(
    Array.from({ length: head.revision }, (_, i) => head.revision - i),
  );
  expect(isChain(audit)).toBe(true);
  expect(audit.map(({ seq }) => seq)).toEqual(audit.map((_, i) => i + 1));
  expect(head.auditHead).toBe(audit.length === 0 ? null : `${audit.length}:${audit.at(-1)?.hash}`);
  if (head.store !== null) inspectTables(file, resources);
  return {
    head,
    revisions,
    state: Object.fromEntries(
      resources.map(({ id, body, manager, fieldManagers }) => [
        id,
        JSON.stringify([body, manager, fieldManagers]),
      ]),
    ),
  };
}

function inspectTables(file: string, resources: Everything['resources']): void {
  const database = new DatabaseSync(file);
  try {
    const all = (sql: string) =>
      database
        .prepare(sql)
        .all()
        .map((row) => Object.values(row).join('|'));
    expect(all('PRAGMA integrity_check')).toEqual(['ok']);
    expect(all('PRAGMA foreign_key_check')).toEqual([]);
    expect(all('SELECT * FROM tally ORDER BY 1, 2, 3')).toEqual(
      all('SELECT kind, workspace, manager, count(*) FROM resource GROUP BY 1, 2, 3 ORDER BY 1, 2, 3'),
    );
    expect(
      all('SELECT uid, pointer, target FROM resource JOIN edge ON edge.resource = resource.id').sort(),
    ).toEqual(
      resources
        .flatMap(({ uid, resource }) =>
          edgesOf(resource).map((edge) => `${uid}|${edge.pointer}|${edge.target ?? ''}`),
        )
        .sort(),
    );
    expect(resources.map(({ id }) => id)).toEqual(resources.map(({ resource }) => identityOf(resource)));
    const [{ last } = { last: 0 }] = database.prepare('SELECT max(since) AS last FROM edge').all();
    expect(Number(last)).toBeLessThanOrEqual(Number(all('SELECT max(revision) FROM revision')[0]));
  } finally {
    database.close();
  }
}

/** The snapshots of every revision that a store has had, by the hashes of their files. */
export class Snapshots {
  readonly #known = new Set<string>();
  /** Temporary files that kills have left. */
  strays = 0;

  /** Remembers what `iam snapshot` says of the store in `cwd` now, and returns it by name of file. */
  async remember(cwd: string, workspaces: readonly string[]): Promise<Record<string, string>> {
    const texts: Record<string, string> = {};
    for (const workspace of workspaces) {
      for (const layout of ['users', 'grants']) {
        const ran = await runIam(['snapshot', '-n', workspace, '--layout', layout], { cwd, now: Date.now });
        expect(ran).toMatchObject({ exit: 0, stderr: '' });
        texts[`${workspace}.${layout}.csv`] = ran.stdout;
        this.#known.add(`${workspace}.${layout}.csv ${sha256(ran.stdout)}`);
      }
    }
    return texts;
  }

  /** Fails unless every file of a snapshot folder is whole, and that of a revision which there was. */
  inspect(folder: string): void {
    if (!existsSync(folder)) return;
    this.strays = 0;
    for (const name of readdirSync(folder)) {
      const text = readFileSync(path.join(folder, name), 'utf8');
      if (/^\..*\.tmp$/.test(name)) {
        this.strays++;
      } else if (name.endsWith('.snapshot.json')) {
        expect(JSON.parse(text)).toMatchObject({ files: expect.anything() });
      } else {
        expect(name).toMatch(/^[a-z]+\.(users|grants)\.csv$/);
        const [header = [], ...rows]: string[][] = parse(text);
        for (const row of rows) expect(row.length).toBe(header.length);
        expect(this.#known, `${name} is of no revision`).toContain(`${name} ${sha256(text)}`);
      }
    }
  }
}

/** Fails unless a `.iam` folder has what it may have, whatever was killed, and keeps itself out of git. */
export function inspectNames(folder: string): void {
  if (!existsSync(folder)) return;
  const known =
    /^(iam\.db(-wal|-shm|-journal|-holder|-holder\.new)?|cache-[0-9a-f]+\.index(\.tmp)?|snapshot|\.gitignore)$/;
  const names = readdirSync(folder);
  expect(names.filter((name) => !known.test(name))).toEqual([]);
  expect(names).toContain('.gitignore');
}
