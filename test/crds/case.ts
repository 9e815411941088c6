import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { API_VERSION, type KindName, kindOf } from '../../src/kinds/index.ts';

type Mapping = Readonly<Record<string, unknown>>;

/** What one judge says of a manifest; `message` is empty when it is accepted. */
export interface Judgement {
  readonly verdict: 'accepted' | 'refused';
  readonly message: string;
}

/** A manifest, and what becomes of it in `iam` and in an API server. */
export interface Case {
  readonly kind: KindName;
  readonly title: string;
  /** As both get it: a text is YAML. */
  readonly manifest: Mapping | string;
  readonly iam: Judgement['verdict'];
  readonly server: Judgement['verdict'];
  /** Both messages have it, in any case. Only where both refuse. */
  readonly word?: string;
  /** Only, and always, where the two differ. */
  readonly why?: string;
}

/** An entry of test/crds/cases: one of the first three is its title, one of the last three its manifest. */
interface Entry {
  readonly accepted?: string;
  readonly refused?: string;
  readonly differs?: string;
  readonly word?: string;
  readonly iam?: Judgement['verdict'];
  readonly server?: Judgement['verdict'];
  readonly why?: string;
  /** Over that of `manifestOf`. */
  readonly metadata?: Mapping;
  readonly spec?: Mapping;
  readonly manifest?: Mapping;
  readonly text?: string;
}

/** All cases of test/crds/cases/<kind>.yaml. Throws for an entry that says too little. */
export function casesOf(kind: KindName): Case[] {
  const path = join(import.meta.dirname, 'cases', `${kind.toLowerCase()}.yaml`);
  return (parse(readFileSync(path, 'utf8')) as readonly Entry[]).map((entry) => caseOf(kind, entry));
}

function caseOf(kind: KindName, entry: Entry): Case {
  const { accepted, refused, differs, word, iam, server, why, metadata, spec } = entry;
  const manifest = entry.text ?? entry.manifest ?? (spec && manifestOf(kind, spec, metadata));
  const title = accepted ?? refused ?? differs;
  if (title === undefined || manifest === undefined)
    throw new Error(`${kind}: no case: ${JSON.stringify(entry)}`);
  if (accepted !== undefined) return { kind, title, manifest, iam: 'accepted', server: 'accepted' };
  if (refused !== undefined) {
    if (!word) throw new Error(`${kind}: ${title}: no word of the message`);
    return { kind, title, manifest, iam: 'refused', server: 'refused', word };
  }
  if (!iam || !server || !why || iam === server) throw new Error(`${kind}: ${title}: what differs, and why?`);
  return { kind, title, manifest, iam, server, why };
}

/** Every spec of the table that both accept. */
export function acceptedSpecs(kind: KindName): unknown[] {
  return casesOf(kind).flatMap(({ manifest, iam, server }) =>
    typeof manifest === 'string' || iam === 'refused' || server === 'refused' ? [] : [manifest.spec],
  );
}

/** A manifest of the Kind with this spec. */
export function manifestOf(kind: KindName, spec: unknown, metadata: Mapping = {}): Mapping {
  const place = kindOf(kind).namespaced ? { namespace: 'acme-prod' } : {};
  return { apiVersion: API_VERSION, kind, metadata: { name: 'example', ...place, ...metadata }, spec };
}
