import { type AccessPolicySpec, accessPolicy } from './access-policy.ts';
import { type GroupSpec, group } from './group.ts';
import type { Kind, Metadata } from './kind.ts';
import { type RoleSpec, role } from './role.ts';
import { type RoleBindingSpec, roleBinding } from './role-binding.ts';
import { type TokenSpec, token } from './token.ts';
import { type UserSpec, user } from './user.ts';
import { type WorkspaceSpec, workspace } from './workspace.ts';

/** The API version that every manifest begins with. */
export const API_VERSION = 'rolecall.dev/v1alpha1';

/** The normal form of each Kind's spec. */
export interface Specs {
  Workspace: WorkspaceSpec;
  User: UserSpec;
  Role: RoleSpec;
  Group: GroupSpec;
  Token: TokenSpec;
  RoleBinding: RoleBindingSpec;
  AccessPolicy: AccessPolicySpec;
}

export type KindName = keyof Specs;

/** The registry. Its order is the order of creation: nothing refers to a later Kind, but for members and owners. */
const KINDS: { readonly [K in KindName]: Kind<never, Specs[K]> } = {
  Workspace: workspace,
  User: user,
  Role: role,
  Group: group,
  Token: token,
  RoleBinding: roleBinding,
  AccessPolicy: accessPolicy,
};

export const KIND_NAMES = Object.keys(KINDS) as KindName[];

/** One resource in normal form, of any Kind. */
export type Resource<K extends KindName = KindName> = {
  [Name in K]: { readonly kind: Name; readonly metadata: Metadata; readonly spec: Specs[Name] };
}[K];

/** The Kind of a name, for code that treats all Kinds alike. */
export function kindOf(name: KindName): Kind<unknown, unknown> {
  return KINDS[name] as Kind<unknown, unknown>;
}

export function isKindName(name: unknown): name is KindName {
  return typeof name === 'string' && Object.hasOwn(KINDS, name);
}

/** The Kind that a person means by its singular, plural or short name, in any case. */
export function findKind(word: string): KindName | undefined {
  const wanted = word.toLowerCase();
  return KIND_NAMES.find((name) => {
    const kind = KINDS[name];
    return [name.toLowerCase(), kind.plural, kind.short].includes(wanted);
  });
}
