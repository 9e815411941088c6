import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { newSecret } from '../../src/engine/secret-text.ts';
import { createEvents, type Happening } from '../../src/operator/events.ts';
import { type KubeCall, KubeError } from '../../src/sources/kube.ts';
import { recordingLog, scriptedKube } from '../support/scripted-kube.ts';

const START = Date.parse('2026-11-24T10:00:00Z');
const MINUTE = 60_000;

beforeEach(() => {
  vi.useFakeTimers({ now: START });
});
afterEach(() => {
  vi.useRealTimers();
});

function binding(name = 'analysts', namespace: string | undefined = 'acme'): Happening['object'] {
  const metadata = { name, uid: `uid-${name}`, resourceVersion: '7' };
  return {
    apiVersion: 'rolecall.dev/v1alpha1',
    kind: 'RoleBinding',
    metadata: namespace === undefined ? metadata : { ...metadata, namespace },
  };
}

function happening(more: Partial<Happening> = {}): Happening {
  return {
    object: binding(),
    type: 'Normal',
    reason: 'Applied',
    action: 'Apply',
    note: 'applied with revision 7',
    ...more,
  };
}

interface Event {
  readonly metadata: { readonly name: string; readonly namespace: string };
  series?: { count: number; lastObservedTime: string };
  readonly [field: string]: unknown;
}

/** An API server that has nothing but Events. */
function desk(answer: (call: KubeCall) => void = () => {}) {
  const events = new Map<string, Event>();
  const kube = scriptedKube(async (call) => {
    answer(call);
    if (call.method === 'POST') {
      const event = call.body as Event;
      const path = `${call.path}/${event.metadata.name}`;
      if (events.has(path)) throw new KubeError(409, 'AlreadyExists', 'it is there');
      events.set(path, structuredClone(event));
      return event;
    }
    const event = events.get(call.path);
    if (!event) throw new KubeError(404, 'NotFound', 'it is not there');
    Object.assign(event, call.body);
    return event;
  });
  const log = recordingLog();
  const open = () => createEvents({ kube, instance: 'rolecall-0', log, now: Date.now });
  return { kube, log, open, events, all: () => [...events.values()] };
}

const settle = () => vi.advanceTimersByTimeAsync(0);

test('what happens is an Event of events.k8s.io/v1 beside the object', async () => {
  const { open, kube, all } = desk();
  open().record(happening());
  await settle();
  expect(kube.calls.map(({ method, path }) => `${method} ${path}`)).toEqual([
    'POST /apis/events.k8s.io/v1/namespaces/acme/events',
  ]);
  expect(all()).toEqual([
    {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: expect.stringMatching(/^analysts\.[0-9a-f]{16}$/), namespace: 'acme' },
      eventTime: '2026-11-24T10:00:00.000000Z',
      reportingController: 'rolecall.dev/operator',
      reportingInstance: 'rolecall-0',
      action: 'Apply',
      reason: 'Applied',
      regarding: {
        apiVersion: 'rolecall.dev/v1alpha1',
        kind: 'RoleBinding',
        name: 'analysts',
        namespace: 'acme',
        uid: 'uid-analysts',
      },
      note: 'applied with revision 7',
      type: 'Normal',
    },
  ]);
});

test('what is in no namespace has its Events in default', async () => {
  const { open, all } = desk();
  open().record(
    happening({ object: { ...binding('prod'), metadata: { name: 'prod', uid: 'u', resourceVersion: '1' } } }),
  );
  await settle();
  expect(all()[0]?.metadata.namespace).toBe('default');
  expect(all()[0]?.regarding).not.toHaveProperty('namespace');
});

test('what happens again is counted in one Event, which is written twice a minute at most', async () => {
  const { open, kube, all } = desk();
  const events = open();
  for (let second = 0; second < 120; second++) {
    events.record(happening());
    await vi.advanceTimersByTimeAsync(1000);
  }
  await vi.advanceTimersByTimeAsync(MINUTE);
  expect(all()).toHaveLength(1);
  expect(all()[0]?.series).toEqual({ count: 120, lastObservedTime: '2026-11-24T10:01:59.000000Z' });
  expect(kube.calls.length).toBeLessThanOrEqual(1 + 2 * 3);
});

test('another reason, note or type is another Event', async () => {
  const { open, all } = desk();
  const events = open();
  events.record(happening());
  events.record(happening({ reason: 'Denied' }));
  events.record(happening({ type: 'Warning' }));
  events.record(happening({ note: 'applied with revision 8' }));
  events.record(happening({ object: binding('others') }));
  await settle();
  expect(all()).toHaveLength(5);
  expect(all().every(({ series }) => series === undefined)).toBe(true);
});

test('a process that begins anew counts on where the one before was', async () => {
  const { open, all } = desk();
  const first = open();
  for (let i = 0; i < 3; i++) first.record(happening());
  await first.stop();
  expect(all()[0]?.series?.count).toBe(3);
  await vi.advanceTimersByTimeAsync(MINUTE);
  const second = open();
  second.record(happening());
  second.record(happening());
  await second.stop();
  expect(all()).toHaveLength(1);
  expect(all()[0]?.series).toEqual({ count: 5, lastObservedTime: '2026-11-24T10:01:00.000000Z' });
});

test('an Event that the cluster has forgotten is made anew', async () => {
  const { open, events, all } = desk();
  const recorder = open();
  recorder.record(happening());
  await settle();
  events.clear();
  await vi.advanceTimersByTimeAsync(MINUTE);
  recorder.record(happening());
  await settle();
  expect(all()).toHaveLength(1);
});

test('what was counted, and not yet written, is written when it stops', async () => {
  const { open, all } = desk();
  const events = open();
  events.record(happening());
  await settle();
  events.record(happening());
  events.record(happening());
  await settle();
  expect(all()[0]?.series).toBeUndefined();
  await events.stop();
  expect(all()[0]?.series?.count).toBe(3);
  events.record(happening({ note: 'too late' }));
  await settle();
  expect(all()).toHaveLength(1);
});

test('stopping does not wait for an API server that never answers', async () => {
  const kube = scriptedKube(() => new Promise(() => {}));
  const events = createEvents({ kube, instance: 'a', log: recordingLog(), now: Date.now });
  events.record(happening());
  const stopped = events.stop(2000);
  await vi.advanceTimersByTimeAsync(2000);
  await stopped;
});

test('one object has 25 Events at once, then one more every five minutes', async () => {
  const { open, all } = desk();
  const events = open();
  for (let i = 0; i < 100; i++) events.record(happening({ note: `n${i}` }));
  events.record(happening({ object: binding('others') }));
  await settle();
  expect(all()).toHaveLength(26);
  await vi.advanceTimersByTimeAsync(5 * MINUTE);
  for (let i = 0; i < 100; i++) events.record(happening({ note: `m${i}` }));
  await settle();
  expect(all()).toHaveLength(27);
});

test('what cannot be written is logged now and then, and hurts nobody', async () => {
  let isDown = true;
  const { open, log, all } = desk(() => {
    if (isDown) throw new KubeError(403, 'Forbidden', 'no events here');
  });
  const events = open();
  for (let i = 0; i < 200; i++) events.record(happening({ object: binding(`b${i}`) }));
  await settle();
  expect(log.lines).toMatchObject([
    { level: 'warn', message: 'event not written', object: 'RoleBinding/acme/b0' },
  ]);
  await vi.advanceTimersByTimeAsync(MINUTE);
  events.record(happening());
  await settle();
  expect(log.lines).toMatchObject([{}, { message: 'event not written', more: 199 }]);
  isDown = false;
  events.record(happening());
  await settle();
  expect(all()).toHaveLength(1);
});

test('what comes faster than it can be written is dropped, not gathered', async () => {
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const kube = scriptedKube(() => held);
  const log = recordingLog();
  const events = createEvents({ kube, instance: 'a', log, now: Date.now });
  for (let i = 0; i < 10_000; i++) events.record(happening({ object: binding(`b${i}`) }));
  release();
  await settle();
  expect(kube.calls.length).toBeLessThanOrEqual(1001);
  expect(log.lines).toMatchObject([{ message: 'event dropped: too many wait' }]);
});

test('a note is 1,024 bytes at most, whole characters, and no secret', async () => {
  const { open, all } = desk();
  const events = open();
  const { text, id } = newSecret();
  events.record(happening({ note: 'ü'.repeat(700) }));
  events.record(happening({ note: `has ${text}, and postgres://iam:hunter22@db/iam` }));
  await settle();
  const [long, hidden] = all().map(({ note }) => String(note));
  expect(long).toBe(`${'ü'.repeat(510)}…`);
  expect(Buffer.byteLength(long ?? '')).toBeLessThanOrEqual(1024);
  expect(hidden).toBe(`has rct_${id}_…, and postgres://iam:…@db/iam`);
});
