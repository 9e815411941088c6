import type { KindName } from '../kinds/index.ts';
import type { ResourceChange } from './access-diff.ts';

/** The names of what a plan renames, in both directions; a name that stays is itself. */
export interface Renames {
  before(kind: KindName, name: string): string;
  after(kind: KindName, name: string): string;
}

/** Of global kinds: a namespaced resource has its name in its workspace only. */
export function renamesOf(pairs: readonly ResourceChange[]): Renames {
  const [before, after] = [new Map<string, string>(), new Map<string, string>()];
  for (const { before: was, after: is } of pairs) {
    if (!was || !is || was.metadata.namespace !== undefined || was.metadata.name === is.metadata.name)
      continue;
    before.set(`${is.kind} ${is.metadata.name}`, was.metadata.name);
    after.set(`${was.kind} ${was.metadata.name}`, is.metadata.name);
  }
  return {
    before: (kind, name) => before.get(`${kind} ${name}`) ?? name,
    after: (kind, name) => after.get(`${kind} ${name}`) ?? name,
  };
}
