import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { momentsOf } from '../../src/core/moment.ts';
import { contains, spanOf } from '../../src/core/window.ts';
import type { Resource } from '../../src/kinds/index.ts';
import type { Window } from '../../src/kinds/time.ts';
import { binding, group, role, token, user, workspace } from '../support/resources.ts';

const HALF = 1_800_000;
const START = Date.parse('2026-06-01T00:00:00Z');
const TIMES = Array.from({ length: 14 }, (_, at) => START + at * HALF);

const end = fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined });
const text = (half: number) => new Date(START + half * HALF).toISOString();
const window: fc.Arbitrary<Window> = fc
  .tuple(end, end)
  .filter(([from, until]) => from === undefined || until === undefined || from < until)
  .map(([from, until]) => ({
    ...(from === undefined ? {} : { notBefore: text(from) }),
    ...(until === undefined ? {} : { expiresAt: text(until) }),
  }));

/** When a window opens or closes, as one sees who looks again and again. */
function turns(one: Window): string[] {
  const isOpen = (at: number) => contains(spanOf(one), at);
  return TIMES.slice(1)
    .filter((at) => isOpen(at) !== isOpen(at - HALF))
    .map((at) => `${isOpen(at) ? 'begins' : 'ends'} ${at}`);
}

function momentsAt(resource: Resource, pointer: string): string[] {
  return momentsOf(resource)
    .filter((moment) => moment.pointer === pointer)
    .sort((a, b) => a.at - b.at)
    .map(({ type, at }) => `${type} ${at}`);
}

describe('the moments of a resource', () => {
  test('are those at which its window opens or closes', () => {
    fc.assert(
      fc.property(window, (one) => {
        const held = [
          user('ana', one),
          token('acme/ci', 'ana', one),
          binding('acme/b', 'keeper', ['ana'], one),
        ];
        for (const resource of held) {
          expect(momentsAt(resource, '/spec')).toEqual(turns(one));
          expect(momentsOf(resource)).toHaveLength(turns(one).length);
        }
      }),
    );
  });

  test('of a Group are those of each of its members', () => {
    fc.assert(
      fc.property(fc.array(window, { maxLength: 5 }), (windows) => {
        const names = windows.map((_, at) => `u${at}`);
        const devs = group(
          'acme/devs',
          names.map((name, at) => ({ kind: at % 2 ? 'Group' : 'User', name, ...windows[at] })),
        );
        for (const [at, one] of windows.entries())
          expect(momentsAt(devs, `/spec/members/${at % 2 ? 'Group' : 'User'}:u${at}`)).toEqual(turns(one));
        expect(momentsOf(devs)).toHaveLength(windows.flatMap(turns).length);
      }),
    );
  });

  test('are none where a Kind has no window', () => {
    expect([workspace('acme'), role('keeper'), user('ana')].flatMap(momentsOf)).toEqual([]);
  });
});
