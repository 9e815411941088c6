import { dump } from 'js-yaml';
import type { Manifest } from '../core/resource.ts';

/** Manifests as one `kind: List`, which `-f` reads. */
export function renderList(items: readonly Manifest[], format: 'json' | 'yaml'): string {
  const list = { apiVersion: 'v1', kind: 'List', items };
  return format === 'json'
    ? `${JSON.stringify(list, null, 2)}\n`
    : dump(list, { noRefs: true, lineWidth: 100 });
}
