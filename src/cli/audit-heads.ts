import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { EXIT, failure } from '../core/problem.ts';
import { readSidecar, SIDECAR } from '../engine/snapshot-sidecar.ts';
import type { KnownHead } from '../engine/verify-audit.ts';

const HEAD = /^([1-9]\d{0,14}):(sha256:[0-9a-f]{64})$/;

/** The head of `--head`. */
export function headOption(text: string): KnownHead {
  const [, seq, hash = ''] = HEAD.exec(text) ?? [];
  if (seq !== undefined) return { seq: Number(seq), hash, from: '--head' };
  throw failure(
    EXIT.invalid,
    'RC121',
    `--head cannot be ${JSON.stringify(text)}`,
    'SEQ:HASH, as apply -o json gives it (auditHead)',
  );
}

/** The heads that the snapshots in a folder went out with, those of this store, the newest first. */
export function snapshotHeads(folder: string, store: string, cwd: string): KnownHead[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith(SIDECAR))
    .sort()
    .flatMap((name) => {
      const sidecar = readSidecar(folder, name.slice(0, -SIDECAR.length));
      const [, seq, hash = ''] = HEAD.exec(String(sidecar?.auditHead)) ?? [];
      if (sidecar?.store !== store || seq === undefined) return [];
      return [{ seq: Number(seq), hash, from: path.relative(cwd, path.join(folder, name)) }];
    })
    .sort((a, b) => b.seq - a.seq);
}
