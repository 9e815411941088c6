import type { Repository } from './state.ts';

export type Json = Readonly<Record<string, unknown>>;

/** Where the server is seen: the API's address, and the site's. */
export interface Site {
  readonly api: string;
  readonly web: string;
}

export function fullName({ owner, name }: Repository): string {
  return `${owner.login}/${name}`;
}

export function nodeId(prefix: string, id: number): string {
  return `${prefix}_kw${Buffer.from(String(id)).toString('base64url')}`;
}

/** GitHub knows no parts of a second. */
export function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z');
}
