import { hash } from 'node:crypto';

/**
 * Canonical JSON (RFC 8785): members sorted by UTF-16 unit, no white space, numbers and strings as ECMAScript
 * writes them. Members that are undefined are left out. Two values are equal exactly when their canonical texts are.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  let text = '';
  if (Array.isArray(value)) {
    for (const entry of value) text += `${text === '' ? '' : ','}${canonicalJson(entry)}`;
    return `[${text}]`;
  }
  const object = value as Record<string, unknown>;
  for (const key of Object.keys(object).sort()) {
    const member = object[key];
    if (member === undefined) continue;
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${canonicalJson(member)}`;
  }
  return `{${text}}`;
}

/** `sha256:` and 64 hex digits, of a text's UTF-8. */
export function sha256(text: string): string {
  return `sha256:${hash('sha256', text)}`;
}
