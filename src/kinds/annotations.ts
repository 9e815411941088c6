/** What Rolecall reads in an annotation: its values where they are a few, and what it does. */
export interface Annotation {
  readonly values?: readonly string[];
  readonly description: string;
}

export const ANNOTATION_PREFIX = 'rolecall.dev/';

/** All annotations that mean something, without their prefix. */
export const ANNOTATIONS: Readonly<Record<string, Annotation>> = {
  protect: {
    values: ['true', 'false'],
    description: 'With "true" a plan that deletes it is refused (RC208).',
  },
  prune: {
    values: ['disabled', 'enabled'],
    description: 'With disabled it is never pruned; iam delete still deletes it.',
  },
  drift: {
    values: ['enforce', 'report', 'ignore'],
    description: 'What becomes of a difference that somebody made outside of the manifests.',
  },
  paused: {
    values: ['true', 'false'],
    description:
      'With "true", in the store or the manifest, it is neither updated nor deleted; each plan warns (RC124).',
  },
  'previous-names': {
    description:
      'Names that it had, joined by commas: a rename is then one update, not a delete and a create.',
  },
  'deletion-policy': {
    values: ['Delete', 'Orphan'],
    description:
      'In a cluster: whether deleting the object deletes it in the store, or leaves it there. Without it Orphan for Workspace and User, Delete for all else.',
  },
  'reconcile-requested-at': {
    description: 'In a cluster: a new value makes the operator look at it at once.',
  },
  class: { description: 'In a cluster with several operators: the one that it is for.' },
};
