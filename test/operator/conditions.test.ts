import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isSaid, type Remarks, type Standing, statusOf } from '../../src/operator/conditions.ts';
import type { ClusterObject, ClusterStatus } from '../../src/sources/cluster-object.ts';
import { kstatus } from '../chart/kstatus.ts';

/** One look at an object: which version it is, what became of it, and when. */
interface Look {
  readonly generation: number;
  readonly asked: string | undefined;
  readonly standing: Standing;
  readonly remarks: Remarks;
  readonly facts: Pick<ClusterStatus, 'counts' | 'owners' | 'snapshot'>;
}

const message = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.integer({ min: 1000, max: 1030 }).map((length) => `${'x'.repeat(length)}${'😀'.repeat(20)}`),
);
const hash = fc.constantFrom('a', 'b').map((letter) => `sha256:${letter.repeat(64)}`);
const standing: fc.Arbitrary<Standing> = fc.oneof(
  fc.record({
    is: fc.constant('applied' as const),
    revision: fc.integer({ min: 1, max: 9 }),
    hash,
    changed: fc.boolean(),
  }),
  fc.record({ is: fc.constant('paused' as const), message }),
  fc.record({
    is: fc.constant('waiting' as const),
    reason: fc.constantFrom('DependencyNotReady' as const, 'StoreUnavailable' as const),
    message,
  }),
  fc.record({
    is: fc.constant('stalled' as const),
    reason: fc.constantFrom('InvalidSpec' as const, 'Denied' as const),
    message,
  }),
);
const look: fc.Arbitrary<Look> = fc.record({
  generation: fc.integer({ min: 1, max: 4 }),
  asked: fc.option(fc.constantFrom('once', 'twice'), { nil: undefined }),
  standing,
  remarks: fc.record({ isExpired: fc.boolean(), drift: fc.option(message, { nil: undefined }) }),
  facts: fc.oneof(
    fc.constant({}),
    fc.record({ owners: fc.record({ count: fc.nat(3), names: fc.array(fc.string()) }) }),
  ),
});
/** What may have become of an object, one after the other. */
const history = fc
  .array(look, { minLength: 1, maxLength: 8 })
  .map((looks) => looks.sort((a, b) => a.generation - b.generation));

function objectOf({ generation, asked }: Look, status: ClusterStatus | undefined): ClusterObject {
  const annotations = asked === undefined ? {} : { 'rolecall.dev/reconcile-requested-at': asked };
  return {
    metadata: { name: 'x', namespace: 'acme', uid: 'u', resourceVersion: '1', generation, annotations },
    ...(status && { status }),
  };
}

/** As it comes back from an API server. */
function sent(status: ClusterStatus): ClusterStatus {
  // What is no Unicode does not arrive as it was.
  return JSON.parse(
    Buffer.from(JSON.stringify(status))
      .toString()
      .replace(/\\ud[89a-f]../gi, '�'),
  ) as ClusterStatus;
}

const at = (step: number) => new Date(Date.UTC(2026, 10, 24, 12, 0, step)).toISOString().replace('.000', '');

/** All statuses of a history, each made over what came back of the one before. */
function told(looks: readonly Look[]): { readonly look: Look; readonly status: ClusterStatus }[] {
  let before: ClusterStatus | undefined = { observedGeneration: -1 };
  return looks.map((one, step) => {
    const status = statusOf(objectOf(one, before), one.standing, one.remarks, one.facts, at(step));
    before = sent(status);
    return { look: one, status };
  });
}

describe('a status', () => {
  test('is said once: looked at again, with nothing done, it is the same', () => {
    fc.assert(
      fc.property(history, (looks) => {
        for (const { look: one, status } of told(looks)) {
          const { standing: last, remarks, facts } = one;
          const again: Standing = last.is === 'applied' ? { ...last, changed: false, revision: 99 } : last;
          const next = statusOf(objectOf(one, sent(status)), again, remarks, facts, at(59));
          expect(isSaid(sent(status), next)).toBe(true);
        }
      }),
    );
  });

  test('moves the time of a condition when its status changes, and at no other time', () => {
    fc.assert(
      fc.property(history, (looks) => {
        const times = new Map<string, readonly [status: string, time: string]>();
        for (const [step, { status }] of told(looks).entries()) {
          const types = status.conditions?.map(({ type }) => type) ?? [];
          for (const { type, status: is, lastTransitionTime } of status.conditions ?? []) {
            const before = times.get(type);
            expect(lastTransitionTime).toBe(before?.[0] === is ? before[1] : at(step));
            times.set(type, [is, lastTransitionTime]);
          }
          for (const type of [...times.keys()]) if (!types.includes(type)) times.delete(type);
        }
      }),
    );
  });

  test('is read by kstatus as it is meant', () => {
    const EXPECTED = { applied: 'Current', paused: 'InProgress', waiting: 'InProgress', stalled: 'Failed' };
    fc.assert(
      fc.property(history, (looks) => {
        for (const { look: one, status } of told(looks))
          expect(kstatus(objectOf(one, status))).toBe(EXPECTED[one.standing.is]);
      }),
    );
  });

  test('has each condition once, Ready always, all others only while they are True, and none that is too long', () => {
    fc.assert(
      fc.property(history, (looks) => {
        for (const { look: one, status } of told(looks)) {
          const conditions = status.conditions ?? [];
          const types = conditions.map(({ type }) => type);
          expect(new Set(types).size).toBe(types.length);
          expect(types[0]).toBe('Ready');
          expect(types.includes('Reconciling')).toBe(one.standing.is === 'waiting');
          expect(types.includes('Stalled')).toBe(one.standing.is === 'stalled');
          expect(types.includes('Expired')).toBe(one.remarks.isExpired);
          expect(types.includes('Drifted')).toBe(one.remarks.drift !== undefined);
          for (const condition of conditions) {
            if (condition.type !== 'Ready') expect(condition.status).toBe('True');
            expect(condition.message.length).toBeLessThanOrEqual(1024);
            expect(condition.message.isWellFormed()).toBe(true);
          }
          expect(status.observedGeneration).toBe(one.generation);
          expect(status.lastHandledReconcileAt).toBe(one.asked);
        }
      }),
    );
  });

  test('names the revision that it was applied with last, and not one in which nothing was done to it', () => {
    const applied = (revision: number, changed: boolean, generation = 1): Look => ({
      generation,
      asked: undefined,
      standing: { is: 'applied', revision, hash: 'sha256:a', changed },
      remarks: {},
      facts: {},
    });
    const looks = [applied(3, true), applied(5, false), applied(7, true), applied(8, false, 2)];
    expect(told(looks).map(({ status }) => status.conditions?.[0]?.message)).toEqual([
      'Applied revision 3',
      'Applied revision 3',
      'Applied revision 7',
      // Another version says of itself what it is in.
      'Applied revision 8',
    ]);
  });

  test('keeps the hash of what was applied last, whatever becomes of it afterwards', () => {
    fc.assert(
      fc.property(history, (looks) => {
        let last: string | undefined;
        for (const { look: one, status } of told(looks)) {
          if (one.standing.is === 'applied') last = one.standing.hash;
          expect(status.appliedHash).toBe(last);
        }
      }),
    );
  });

  test('is said already when it differs only in the order of things', () => {
    const reversed = (value: unknown): unknown =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.fromEntries(
            Object.entries(value)
              .reverse()
              .map(([key, one]) => [key, reversed(one)]),
          )
        : value;
    fc.assert(
      fc.property(history, (looks) => {
        for (const { status } of told(looks)) {
          const conditions = (status.conditions ?? []).map(reversed).reverse();
          const other = { ...(reversed(status) as object), conditions } as ClusterStatus;
          expect(isSaid(other, status)).toBe(true);
          expect(isSaid({ ...status, observedGeneration: 99 }, status)).toBe(false);
          const [ready, ...rest] = status.conditions ?? [];
          if (ready)
            expect(isSaid({ ...status, conditions: [{ ...ready, reason: 'Other' }, ...rest] }, status)).toBe(
              false,
            );
        }
        expect(isSaid(undefined, {})).toBe(false);
      }),
    );
  });
});
