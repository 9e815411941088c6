import type { Resource } from '../kinds/index.ts';
import { parseTime, type Window } from '../kinds/time.ts';

/** A window of a resource, or of an entry in it, begins or ends. */
export interface Moment {
  /** Where the window is: `/spec`, or `/spec/members/User:ana`. */
  readonly pointer: string;
  readonly type: 'begins' | 'ends';
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Every moment at which a resource by itself begins to give access, or ends. */
export function momentsOf(resource: Resource): Moment[] {
  switch (resource.kind) {
    case 'User':
    case 'RoleBinding':
    case 'Token':
      return momentsOfWindow('/spec', resource.spec);
    case 'Group':
      return resource.spec.members.flatMap((member) =>
        momentsOfWindow(`/spec/members/${member.kind}:${member.name}`, member),
      );
    case 'Workspace':
    case 'Role':
    case 'AccessPolicy':
      return [];
  }
}

function momentsOfWindow(pointer: string, { notBefore, expiresAt }: Window): Moment[] {
  if (notBefore === undefined && expiresAt === undefined) return [];
  const moment = (type: Moment['type'], text: string | undefined): Moment[] => {
    const at = text === undefined ? undefined : parseTime(text);
    return at === undefined ? [] : [{ pointer, type, at }];
  };
  return [...moment('begins', notBefore), ...moment('ends', expiresAt)];
}
