import { inflateRawSync } from 'node:zlib';

/**
 * The content of one entry of a zip archive. Throws when there is none of that name, or it is packed in another way than
 * most are.
 */
export function unzipEntry(archive: Buffer, name: string): Buffer {
  const end = archive.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  if (end < 0) throw new Error('no zip archive');
  let at = archive.readUInt32LE(end + 16);
  for (let left = archive.readUInt16LE(end + 10); left > 0; left--) {
    const nameLength = archive.readUInt16LE(at + 28);
    const rest = archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
    if (archive.toString('utf8', at + 46, at + 46 + nameLength) === name) return contentOf(archive, at);
    at += 46 + nameLength + rest;
  }
  throw new Error(`no ${name} in the archive`);
}

/** `at` is its place in the central directory, which knows the sizes in any case. */
function contentOf(archive: Buffer, at: number): Buffer {
  const method = archive.readUInt16LE(at + 10);
  const size = archive.readUInt32LE(at + 20);
  const local = archive.readUInt32LE(at + 42);
  const start = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
  const packed = archive.subarray(start, start + size);
  if (method === 0) return packed;
  if (method !== 8) throw new Error(`packed by method ${method}`);
  return inflateRawSync(packed);
}
