import { Buffer } from 'node:buffer';
import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Identity } from '../core/resource.ts';

/** What an index of settled files is true of. */
export interface IndexFacts {
  readonly store: string;
  readonly manager: string;
  readonly revision: number;
  /** The newest audit row at that moment, `SEQ:HASH`. */
  readonly auditHead: string;
  /** Whether the files that are `pruned` declared everything that pruning reaches. */
  readonly pruned: boolean;
}

/** One file: what it declares, and the store has just so. */
export interface SettledFile {
  /** sha256 of its bytes, hexadecimal. */
  readonly hash: string;
  readonly ids: readonly Identity[];
  /** Whether it was in the input of a plan that pruned, and left nothing to prune. */
  readonly pruned: boolean;
}

/** Bytes that can be read in parts, such as those of a file. Throws, or gives fewer, when they are not there. */
export interface Parts {
  readonly length: number;
  read(start: number, length: number): Buffer;
}

/**
 * Which files declare what the store has already: those need not be parsed again as long as their bytes, and what they
 * declare in the store, stay as they are. Of no worth by itself: without it, or when it is damaged, everything is read.
 *
 * Laid out to be looked up without being read as a whole:
 * MAGIC, length and checksum of the head; the head (facts, offsets, one record a file); the identities of each file, a
 * text each; and for each of BUCKETS parts of all identities, by their hash, which file declares them.
 */
export interface SettledIndex {
  readonly facts: IndexFacts;
  /** How many resources all files together declare. */
  readonly size: number;
  readonly hashes: Iterable<string>;
  /** How many resources a file declares; undefined when it is not settled. */
  count(hash: string): number | undefined;
  isPruned(hash: string): boolean;
  /** Throws `DamagedIndex`. */
  idsOf(hash: string): readonly Identity[];
  /** The files that declare an identity. Throws `DamagedIndex`. */
  filesOf(id: Identity): readonly string[];
}

/** An index that does not hold what it says: to be taken as if it were not there. */
export class DamagedIndex extends Error {
  override readonly name = 'DamagedIndex';
}

const MAGIC = 'RCINDEX2';
/** MAGIC, length of the head, checksum of the head. */
const PREFIX = MAGIC.length + 4 + 32;
const BUCKETS = 4096;
/** Two halves of a hash and the number of a file, of 32 bits each. */
const ENTRY = 12;
/** The hash, how many identities, where they are, their checksum, whether it is pruned. */
const FILE = 32 + 4 + 8 + 4 + 4 + 4;

export function encodeIndex(facts: IndexFacts, files: readonly SettledFile[]): Buffer[] {
  const texts = files.map(({ ids }) => Buffer.from(ids.join('\n')));
  const factsText = Buffer.from(JSON.stringify(facts));
  const head = Buffer.alloc(4 + factsText.length + 4 + files.length * FILE + BUCKETS * 8);
  let at = head.writeUInt32LE(factsText.length, 0);
  at += factsText.copy(head, at);
  at = head.writeUInt32LE(files.length, at);
  let offset = PREFIX + head.length;
  for (const [i, file] of files.entries()) {
    const text = texts[i] ?? Buffer.alloc(0);
    at += Buffer.from(file.hash, 'hex').copy(head, at);
    at = head.writeUInt32LE(file.ids.length, at);
    at = head.writeDoubleLE(offset, at);
    at = head.writeUInt32LE(text.length, at);
    at = head.writeUInt32LE(crc32(text), at);
    at = head.writeUInt32LE(Number(file.pruned), at);
    offset += text.length;
  }
  const buckets = encodeBuckets(files);
  for (const bucket of buckets) {
    at = head.writeUInt32LE(bucket.length, at);
    at = head.writeUInt32LE(crc32(bucket), at);
  }
  const prefix = Buffer.alloc(PREFIX);
  prefix.write(MAGIC, 'latin1');
  prefix.writeUInt32LE(head.length, MAGIC.length);
  Buffer.from(hash('sha256', head, 'hex'), 'hex').copy(prefix, MAGIC.length + 4);
  return [prefix, head, ...texts, ...buckets];
}

function encodeBuckets(files: readonly SettledFile[]): Buffer[] {
  const sizes = new Uint32Array(BUCKETS);
  const total = files.reduce((sum, { ids }) => sum + ids.length, 0);
  const halves = new Uint32Array(total * 2);
  let n = 0;
  for (const { ids } of files)
    for (const id of ids) {
      const [one, other] = hashOf(id);
      halves[n++] = one;
      halves[n++] = other;
      const bucket = bucketOf(one);
      sizes[bucket] = (sizes[bucket] ?? 0) + 1;
    }
  const buckets = [...sizes].map((size) => Buffer.alloc(size * ENTRY));
  const filled = new Uint32Array(BUCKETS);
  n = 0;
  for (const [i, { ids }] of files.entries())
    for (let j = 0; j < ids.length; j++) {
      const [one = 0, other = 0] = [halves[n++], halves[n++]];
      const bucket = bucketOf(one);
      const at = (filled[bucket] ?? 0) * ENTRY;
      filled[bucket] = (filled[bucket] ?? 0) + 1;
      const bytes = buckets[bucket];
      bytes?.writeUInt32LE(one, at);
      bytes?.writeUInt32LE(other, at + 4);
      bytes?.writeUInt32LE(i, at + 8);
    }
  return buckets;
}

interface FileRecord {
  readonly count: number;
  readonly start: number;
  readonly length: number;
  readonly crc: number;
  readonly pruned: boolean;
}

/** Opens an index; undefined when it is none, or of another version, or damaged in its head. */
export function openIndex(parts: Parts): SettledIndex | undefined {
  if (parts.length < PREFIX) return undefined;
  const prefix = parts.read(0, PREFIX);
  if (prefix.length < PREFIX || prefix.toString('latin1', 0, MAGIC.length) !== MAGIC) return undefined;
  const length = prefix.readUInt32LE(MAGIC.length);
  if (PREFIX + length > parts.length) return undefined;
  const head = parts.read(PREFIX, length);
  if (head.length < length || hash('sha256', head, 'hex') !== prefix.toString('hex', MAGIC.length + 4))
    return undefined;
  const factsLength = head.readUInt32LE(0);
  const facts = JSON.parse(head.toString('utf8', 4, 4 + factsLength)) as IndexFacts;
  let at = 4 + factsLength;
  const n = head.readUInt32LE(at);
  at += 4;
  const records = new Map<string, FileRecord>();
  const hashes: string[] = [];
  let size = 0;
  let end = PREFIX + length;
  for (let i = 0; i < n; i++, at += FILE) {
    const record: FileRecord = {
      count: head.readUInt32LE(at + 32),
      start: head.readDoubleLE(at + 36),
      length: head.readUInt32LE(at + 44),
      crc: head.readUInt32LE(at + 48),
      pruned: head.readUInt32LE(at + 52) === 1,
    };
    const name = head.toString('hex', at, at + 32);
    hashes.push(name);
    records.set(name, record);
    size += record.count;
    end = record.start + record.length;
  }
  const buckets: { readonly start: number; readonly length: number; readonly crc: number }[] = [];
  for (let i = 0; i < BUCKETS; i++, at += 8) {
    buckets.push({ start: end, length: head.readUInt32LE(at), crc: head.readUInt32LE(at + 4) });
    end += head.readUInt32LE(at);
  }
  if (end !== parts.length) return undefined;

  const readChecked = (part: { start: number; length: number; crc: number }): Buffer => {
    const bytes = parts.read(part.start, part.length);
    if (bytes.length < part.length || crc32(bytes) !== part.crc)
      throw new DamagedIndex('a part of it is not as it was written');
    return bytes;
  };
  const known = new Map<string, readonly Identity[]>();
  const idsOf = (name: string): readonly Identity[] => {
    const record = records.get(name);
    if (!record) return [];
    const ids = known.get(name) ?? (record.count === 0 ? [] : readChecked(record).toString().split('\n'));
    known.set(name, ids);
    return ids;
  };
  return {
    facts,
    size,
    hashes,
    count: (name) => records.get(name)?.count,
    isPruned: (name) => records.get(name)?.pruned === true,
    idsOf,
    filesOf(id) {
      const [one, other] = hashOf(id);
      const bucket = buckets[bucketOf(one)];
      if (!bucket || bucket.length === 0) return [];
      const bytes = readChecked(bucket);
      const found = new Set<string>();
      for (let entry = 0; entry < bytes.length; entry += ENTRY) {
        if (bytes.readUInt32LE(entry) !== one || bytes.readUInt32LE(entry + 4) !== other) continue;
        const name = hashes[bytes.readUInt32LE(entry + 8)] ?? '';
        if (idsOf(name).includes(id)) found.add(name);
      }
      return [...found];
    },
  };
}

function bucketOf(half: number): number {
  return half >>> 20;
}

/** Two hashes of 32 bits (FNV-1a, mixed at the end as in MurmurHash3). Not against malice: what is found is compared. */
function hashOf(id: Identity): readonly [number, number] {
  let one = 0x811c9dc5;
  let other = 0x9747b28c;
  for (let i = 0; i < id.length; i++) {
    const code = id.charCodeAt(i);
    one = Math.imul(one ^ code, 0x01000193);
    other = Math.imul(other ^ code, 0x5bd1e995);
  }
  return [mix(one), mix(other)];
}

function mix(half: number): number {
  let mixed = half ^ (half >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
