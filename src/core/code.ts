/**
 * Every code that the program may print. A code is never given a second meaning.
 * `docs/codes.md` is generated from this table.
 */
export const CODES = {
  RC101: [
    'input cannot be read',
    'A path is missing, unreadable, not a file, leads out of its folder, or changed while it was read.',
  ],
  RC102: [
    'not valid YAML or JSON',
    'The text does not parse, or is not UTF-8. Nothing of that file is used.',
  ],
  RC103: [
    'over a limit',
    'File 64 MiB, document 8 MiB, scalar 1 MiB, depth 64, 1,000 aliases a document, and 100,000 values once they are expanded.',
  ],
  RC104: ['duplicate key', 'A mapping names the same key twice.'],
  RC105: [
    'not a manifest',
    'A document must be a mapping with apiVersion, kind, metadata and spec. What is not for Rolecall belongs into .iamignore.',
  ],
  RC106: ['unknown kind', 'Kinds: Workspace, User, Group, Role, RoleBinding, Token, AccessPolicy.'],
  RC107: ['unknown field', 'Manifests are strict: a field that is not known is an error, never ignored.'],
  RC108: ['missing field', 'A required field is absent.'],
  RC109: [
    'value not allowed',
    'A value has the wrong type, form, length or is not one of those allowed. null is never allowed.',
  ],
  RC110: ['duplicate identity', 'Two documents declare the same kind, workspace and name.'],
  RC111: ['repeated entry', 'A list names the same entry twice.'],
  RC112: [
    'reference not found',
    'Something refers to a resource that is neither in the input nor in the store.',
  ],
  RC113: ['e-mail in use', 'An address belongs to one User; addresses are compared trimmed and case-folded.'],
  RC114: [
    'cycle or too deep',
    'Groups must not contain themselves and nest at most 10 deep; roles must not include themselves.',
  ],
  RC115: ['tier too low', 'Groups, labels and some roles need a higher tier of the Workspace.'],
  RC116: [
    'scope does not fit the role',
    'A role is granted only on the scopes that it has, and by labels only when it says so.',
  ],
  RC117: ['empty window', 'notBefore must be earlier than expiresAt.'],
  RC118: ['CEL expression', 'An expression of an AccessPolicy does not parse or compile.'],
  RC119: ['reserved', 'The name, or the reference, is reserved for the built-in catalogue.'],
  RC120: ['no manifest', 'The input has no manifest at all. That is never read as "delete everything".'],
  RC121: ['wrong usage', 'The command line does not make sense; `iam COMMAND --help` tells what does.'],
  RC122: [
    'unclear rename',
    'More than one of the previous names exists, or two manifests name the same one, so it is unclear what was renamed.',
  ],
  RC123: ['namespace dropped', 'A global kind has no namespace; kustomize writes one, so it is dropped.'],
  RC124: [
    'paused',
    'The resource has the annotation rolecall.dev/paused: it is neither updated nor deleted.',
  ],
  RC125: [
    'global kinds not pruned',
    'A workspace of this manager is not in the input, so it is unknown which global resources it needs.',
  ],
  RC126: ['not found', 'The store has no such resource.'],
  RC127: [
    'cannot be imported',
    'The configuration to import has a mistake, or something that has no counterpart.',
  ],
  RC128: [
    'output cannot be written',
    'A file or folder to write to exists and is not ours, or cannot be written.',
  ],
  RC129: ['commit cannot be read', 'The repository, the commit or a file in it cannot be read.'],
  RC130: ['cannot listen', 'An address to listen on is taken, is not of this machine, or wants more rights.'],
  RC201: [
    'many removals',
    'The plan deletes more resources of a kind, in a workspace or in the store, than the limit (maxRemovals, 25 %). Below ten: more than half, and more than one.',
  ],
  RC202: [
    'many updates',
    'The plan updates more resources of a kind, in a workspace or in the store, than the limit (maxUpdates, 30 %, from ten up).',
  ],
  RC203: [
    'everything removed',
    'All people of a workspace, or all resources of this manager in a workspace or in the store, would go.',
  ],
  RC204: [
    'many people lose all access',
    'More people of a workspace lose all access there than the limit (maxRemovals, 25 %). Below ten: more than half, and more than one.',
  ],
  RC205: ['too few owners', 'A workspace has, or is going to have, fewer owners than its owners.minimum.'],
  RC206: ['required owner', 'Somebody who must own a workspace would not own it any more.'],
  RC207: ['self-lockout', 'Whoever applies the plan would lose ownership of a workspace.'],
  RC208: ['protected', 'What is to be deleted has the annotation rolecall.dev/protect.'],
  RC209: [
    'still referred to',
    'What is to be deleted or renamed is still referred to by what stays. Cannot be overridden.',
  ],
  RC210: [
    'another manager',
    'The resource is managed by another manager and declared different here. --adopt takes it over.',
  ],
  RC211: [
    'many privileged gains',
    'More people gain a Privileged role in a workspace than the limit (maxPrivilegedGains, 3).',
  ],
  RC212: [
    'weakens a guard',
    'The plan lowers what plans are judged by: owners, limits, policies, protection.',
  ],
  RC213: [
    'reactivates a suspended person',
    'Another manager suspended this person. --adopt takes the state over.',
  ],
  RC214: ["an owner's e-mail changes", 'Whoever has the new address would be an owner of a workspace.'],
  RC215: [
    'access worth a look',
    'People or tokens gain Privileged or Sensitive roles, or access without an end, in a workspace that was there before. A warning.',
  ],
  RC216: [
    'access widened',
    'Taking a label, or the name of a resource, away from a binding widens what it gives. A warning.',
  ],
  RC301: ['policy not satisfied', 'An AccessPolicy is not satisfied by what the plan changes or gives.'],
  RC302: [
    'policy not evaluated',
    'An AccessPolicy cannot be evaluated, or not within its budget. What cannot be judged is refused.',
  ],
  RC401: ['no store', 'There is no store yet; the first apply creates it.'],
  RC402: ['store not safe', 'The database, or its folder, can be written by others.'],
  RC403: ['not our store', 'The file is not a Rolecall store, or was made by a newer version.'],
  RC404: ['stale plan', 'What the plan rests on has changed since it was made. Plan again.'],
  RC405: ['digest mismatch', 'The plan of now is not the one whose digest was given.'],
  RC406: ['not a plan', 'The file is not a plan, or was changed after it was written.'],
  RC407: ['store busy', 'Another process is writing to the store.'],
  RC408: ['store failed', 'The store could not be read or written.'],
  RC409: [
    'audit broken',
    'Audit rows were changed, removed or reordered, or payloads taken away that no row accounts for.',
  ],
  RC410: [
    'drift',
    'Another manager, or somebody in the database, has changed what was applied, and it is left so (rolecall.dev/drift: report).',
  ],
  RC501: [
    'no pepper',
    'Of the secrets of tokens only a keyed hash is kept. IAM_PEPPER does not give the key, and none may be made here.',
  ],
  RC502: ['pepper not valid', 'A pepper is id:base64, with at least 32 bytes; more follow after commas.'],
  RC503: [
    'pepper not safe',
    'Others can read or replace the file with the pepper, or it cannot be read or written.',
  ],
  RC504: [
    'no folder for secrets',
    'In CI the default folder goes with the job, and the secrets in it: --secrets-dir must say where they go.',
  ],
  RC505: [
    'sink leads elsewhere',
    'The path to a sink has a symbolic link, a part that is no folder, or leads out of the folder for secrets.',
  ],
  RC506: [
    'sink is not ours',
    'A file, or a Secret of the cluster, is there that is not of this token. It is never overwritten.',
  ],
  RC507: ['sink not safe', 'Others can look into the folder of a sink, or change what is in it.'],
  RC508: ['sink in git', 'Git tracks the file, or would: the secret would be committed sooner or later.'],
  RC509: [
    'sink cannot be written',
    'The file or its folder, or the Secret of the cluster, cannot be read or written, or the disk is full.',
  ],
  RC510: [
    'secret not delivered',
    'A secret was issued and is valid, but is neither in its file nor beside it on this machine.',
  ],
  RC511: ['no secret issued', 'The Token is over, or does not say where its secret goes.'],
  RC601: ['GitOps configuration', 'The file .rolecall/gitops.yaml is missing, or has a mistake.'],
  RC602: [
    'forge refused',
    'The forge did not do what was asked: no permission, too many requests, or not there.',
  ],
  RC603: ['conflict with base', 'The pull request cannot be merged: what merging does is not known.'],
  RC604: [
    'not a descendant',
    'The commit does not follow the last one that was applied. An older one, or another branch, is never applied.',
  ],
  RC605: [
    'not reviewed',
    'Merged together, pull requests change access that nobody looked at. Nothing of that commit is applied.',
  ],
  RC606: [
    'override void',
    'The comment, or approval, does not count: whoever gave it may not, or it is edited, or for another plan.',
  ],
  RC607: [
    'base with mistakes',
    'The manifests of the base have mistakes: it is compared with the last commit before it that has none.',
  ],
  RC701: [
    'cluster cannot be read',
    'The API server of Kubernetes does not answer, refuses, or does not know our custom resources.',
  ],
} as const satisfies Record<string, readonly [title: string, meaning: string]>;

export type Code = keyof typeof CODES;
