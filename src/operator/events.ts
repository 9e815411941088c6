import { createHash } from 'node:crypto';
import { maskCredentials } from '../render/masked.ts';
import { type Kube, KubeError, type KubeObject } from '../sources/kube.ts';
import type { Log } from './log.ts';
import { microTime } from './micro-time.ts';

/** What has happened to an object. Must be told when something has changed, not at each look. */
export interface Happening {
  readonly object: KubeObject & { readonly apiVersion: string; readonly kind: string };
  readonly type: 'Normal' | 'Warning';
  /** One word for why, such as `Applied`. */
  readonly reason: string;
  /** One word for what was being done, such as `Apply`. */
  readonly action: string;
  /** For people. Cut at 1,024 bytes; what has the form of a secret is masked. */
  readonly note: string;
}

/** Tells of what happens to objects, as Events of events.k8s.io/v1. */
export interface Events {
  /** Comes back at once. What cannot be written is logged, and not tried again. */
  record(happening: Happening): void;
  /** Writes what is left to be written, for so many milliseconds at most. What is recorded after it is lost. */
  stop(patience?: number): Promise<void>;
}

export interface EventsOptions {
  readonly kube: Kube;
  /** Which process it is: the name of the pod. */
  readonly instance: string;
  readonly log: Log;
  /** Milliseconds since 1970. */
  now(): number;
}

const REPORTER = 'rolecall.dev/operator';

/** What happens again within so many milliseconds is counted in one Event, which is written so often at most. */
const SERIES = 10 * 60_000;
const BETWEEN_WRITES = 30_000;
const BETWEEN_SWEEPS = 10_000;
/** Of one object so many Events at once, then one more in so many milliseconds (client-go's spam filter). */
const BURST = 25;
const REFILL = 300_000;
/** More than these are forgotten, and not waited for. */
const REMEMBERED = 4096;
const WAITING = 1000;
const BETWEEN_WARNINGS = 60_000;

/** The same that has happened to the same object, once or more. */
interface Series {
  readonly key: string;
  readonly happening: Happening;
  readonly first: number;
  last: number;
  count: number;
  /** How often it had happened before, as another process has written; it is one Event with this. */
  before: number;
  /** How many of `count` the cluster knows of; 0 when it has no Event yet. */
  written: number;
  /** When that was tried last. */
  writtenAt: number;
}

export function createEvents({ kube, instance, log, now }: EventsOptions): Events {
  const all = new Map<string, Series>();
  const budgets = new Map<string, { readonly left: number; readonly at: number }>();
  const waiting = new Set<Series>();
  const warn = seldom(log, now);
  let writing: Promise<void> | undefined;
  let isStopped = false;

  const mayBegin = ({ metadata: { uid } }: KubeObject): boolean => {
    const { left, at } = budgets.get(uid) ?? { left: BURST, at: now() };
    const filled = Math.min(BURST, left + Math.max(0, now() - at) / REFILL);
    const may = filled >= 1;
    remember(budgets, uid, { left: may ? filled - 1 : filled, at: now() });
    return may;
  };
  const drain = async () => {
    for (const series of waiting) {
      waiting.delete(series);
      series.writtenAt = now();
      try {
        await write(kube, instance, series);
      } catch (error) {
        // When it happens again it is an Event of its own.
        all.delete(series.key);
        warn('event not written', { object: nameOf(series), error });
      }
    }
  };
  const start = () => {
    if (writing || waiting.size === 0) return;
    writing = drain().finally(() => {
      writing = undefined;
      start();
    });
  };
  const enqueue = (series: Series) => {
    if (waiting.size >= WAITING && !waiting.has(series)) {
      if (series.written === 0) all.delete(series.key);
      return warn('event dropped: too many wait', { object: nameOf(series) });
    }
    waiting.add(series);
    start();
  };
  const sweep = () => {
    for (const series of all.values()) {
      if (isDue(series, now())) enqueue(series);
      else if (now() - series.last >= SERIES && series.written === series.count) all.delete(series.key);
    }
  };
  const sweeping = setInterval(sweep, BETWEEN_SWEEPS).unref();

  return {
    record(told) {
      if (isStopped) return;
      const happening = { ...told, note: cut(maskCredentials(told.note), LONGEST_NOTE) };
      const key = keyOf(happening);
      const known = all.get(key);
      if (known && now() - known.last < SERIES) {
        known.count++;
        known.last = now();
        remember(all, key, known);
        if (isDue(known, now())) enqueue(known);
        return;
      }
      if (!mayBegin(happening.object)) return;
      const at = now();
      const series = { key, happening, first: at, last: at, count: 1, before: 0, written: 0, writtenAt: 0 };
      remember(all, key, series);
      enqueue(series);
    },
    async stop(patience = 2000) {
      isStopped = true;
      clearInterval(sweeping);
      for (const series of all.values()) if (series.count > series.written) enqueue(series);
      const enough = Promise.withResolvers<void>();
      const timer = setTimeout(enough.resolve, patience);
      const written = async () => {
        while (writing) await writing;
      };
      await Promise.race([written(), enough.promise]);
      clearTimeout(timer);
      waiting.clear();
    },
  };
}

function isDue({ count, written, writtenAt }: Series, at: number): boolean {
  return count > written && at - writtenAt >= BETWEEN_WRITES;
}

/** Makes the Event, or counts on in it. Asks for no right but to create and to patch. */
async function write(kube: Kube, instance: string, series: Series): Promise<void> {
  if (series.written > 0) {
    try {
      return await countOn(kube, series);
    } catch (error) {
      // The cluster keeps Events for an hour or so.
      if (!isRefusal(error, 404)) throw error;
      series.before = 0;
    }
  }
  const { count } = series;
  try {
    await kube.request({ method: 'POST', path: pathOf(series), body: eventOf(series, instance) });
    series.written = count;
  } catch (error) {
    if (!isRefusal(error, 409)) throw error;
    // Another process has begun it, or this one before it was started anew. An empty patch answers with what is there.
    const found = await patch<{ readonly series?: { readonly count: number } }>(kube, series, {});
    series.before = found.series?.count ?? 1;
    await countOn(kube, series);
  }
}

async function countOn(kube: Kube, series: Series): Promise<void> {
  const { before, count, last } = series;
  await patch(kube, series, { series: { count: before + count, lastObservedTime: microTime(last) } });
  series.written = count;
}

function patch<T>(kube: Kube, series: Series, body: object): Promise<T> {
  const path = `${pathOf(series)}/${encodeURIComponent(eventName(series))}`;
  return kube.request<T>({ method: 'PATCH', patch: 'merge', path, body });
}

function isRefusal(error: unknown, status: number): boolean {
  return error instanceof KubeError && error.status === status;
}

function eventOf(series: Series, instance: string): object {
  const { happening, first, last, count } = series;
  const { apiVersion, kind, metadata } = happening.object;
  const { name, namespace, uid } = metadata;
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name: eventName(series), namespace: namespaceOf(series) },
    eventTime: microTime(first),
    ...(count > 1 ? { series: { count, lastObservedTime: microTime(last) } } : {}),
    reportingController: REPORTER,
    reportingInstance: cut(instance, 128),
    action: cut(happening.action, 128),
    reason: cut(happening.reason, 128),
    regarding: { apiVersion, kind, name, ...(namespace === undefined ? {} : { namespace }), uid },
    note: happening.note,
    type: happening.type,
  };
}

/** Always the same for the same happening, so that whoever tells of it counts in the same Event. */
function eventName({ key, happening }: Series): string {
  return `${happening.object.metadata.name}.${key.slice(0, 16)}`;
}

/** Events of what is in no namespace are in this one: no other is allowed. */
function namespaceOf({ happening }: Series): string {
  return happening.object.metadata.namespace ?? 'default';
}

function pathOf(series: Series): string {
  return `/apis/events.k8s.io/v1/namespaces/${encodeURIComponent(namespaceOf(series))}/events`;
}

function keyOf({ object, type, reason, action, note }: Happening): string {
  const what = JSON.stringify([object.metadata.uid, type, reason, action, note]);
  return createHash('sha256').update(what).digest('hex');
}

function nameOf({ happening: { object } }: Series): string {
  return `${object.kind}/${object.metadata.namespace ?? ''}/${object.metadata.name}`;
}

const LONGEST_NOTE = 1024;

/** At most so many bytes of UTF-8, no character in half. */
function cut(text: string, bytes: number): string {
  const all = Buffer.from(text);
  if (all.length <= bytes) return text;
  let end = bytes - Buffer.byteLength('…');
  // A byte that goes on with a character.
  while (((all[end] ?? 0) & 0xc0) === 0x80) end--;
  return `${all.toString('utf8', 0, end)}…`;
}

/** Keeps the newest. */
function remember<V>(all: Map<string, V>, key: string, value: V): void {
  all.delete(key);
  all.set(key, value);
  if (all.size > REMEMBERED) all.delete(all.keys().next().value ?? key);
}

/** Warnings of which only some are said, each with how many were not. */
function seldom(log: Log, now: () => number): Log['warn'] {
  const said = new Map<string, { readonly at: number; more: number }>();
  return (message, fields) => {
    const last = said.get(message);
    if (last && now() - last.at < BETWEEN_WARNINGS) {
      last.more++;
      return;
    }
    log.warn(message, { ...fields, more: last?.more || undefined });
    said.set(message, { at: now(), more: 0 });
  };
}
