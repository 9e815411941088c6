import { createHash, hash } from 'node:crypto';

/**
 * Canonical JSON (RFC 8785): members sorted by UTF-16 unit, no white space, numbers and strings as ECMAScript
 * writes them. Members that are undefined are left out. Two values are equal exactly when their canonical texts are.
 */
export function canonicalJson(value: unknown): string {
  // What is in order already is written in one go: most normal forms are.
  return inOrder(value) ? (JSON.stringify(value) ?? 'null') : write(value);
}

/** Whether all objects of a value have their members in order, and nothing has a writing of its own. */
function inOrder(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) {
    for (const entry of value) if (entry === undefined || !inOrder(entry)) return false;
    return true;
  }
  if ('toJSON' in value) return false;
  let last = '';
  for (const key in value) {
    // Keys that are whole numbers come first in any object, wherever they belong.
    if (key < last) return false;
    last = key;
    if (!inOrder((value as Record<string, unknown>)[key])) return false;
  }
  return true;
}

function write(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  let text = '';
  if (Array.isArray(value)) {
    for (const entry of value) text += `${text === '' ? '' : ','}${write(entry)}`;
    return `[${text}]`;
  }
  const object = value as Record<string, unknown>;
  for (const key of Object.keys(object).sort()) {
    const member = object[key];
    if (member === undefined) continue;
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${write(member)}`;
  }
  return `{${text}}`;
}

/** `sha256:` and 64 hex digits, of a text's UTF-8. */
export function sha256(text: string): string {
  return `sha256:${hash('sha256', text)}`;
}

/** As `sha256`, of a text that comes in parts. */
export function sha256OfParts(parts: Iterable<string>): string {
  const made = createHash('sha256');
  let waiting = '';
  for (const part of parts) {
    waiting += part;
    if (waiting.length < AT_ONCE) continue;
    made.update(waiting);
    waiting = '';
  }
  return `sha256:${made.update(waiting).digest('hex')}`;
}

/** Each call costs as much as hashing some kilobytes. */
const AT_ONCE = 2 ** 16;
