import type { ServerResponse } from 'node:http';
import { type Fields, isFields, Refusal, type SimObject, statusBody } from './kube-simulator-objects.ts';
import { apiVersionOf } from './kube-simulator-resources.ts';
import type { Happening, State, Target } from './kube-simulator-state.ts';

/** Whether an object is one of those that are asked for. */
export type Selector = (object: SimObject) => boolean;

/** Labels and fields that must be, or must not be, equal to something: other selectors are refused. */
export function selectorOf(query: URLSearchParams): Selector {
  const labels = requirements(query.get('labelSelector'));
  const fields = requirements(query.get('fieldSelector'));
  return (object) =>
    labels.every((is) => is.equal === (object.metadata.labels?.[is.key] === is.value)) &&
    fields.every((is) => is.equal === (String(at(object, is.key) ?? '') === is.value));
}

function requirements(text: string | null): { key: string; value: string; equal: boolean }[] {
  return (text ?? '')
    .split(',')
    .filter((part) => part !== '')
    .map((part) => {
      const [, key, operator, value] = /^([^=!]+?)\s*(==?|!=)\s*(.*)$/.exec(part.trim()) ?? [];
      if (key === undefined || value === undefined)
        throw new Refusal(400, 'BadRequest', `the simulator does not know the selector "${part}"`);
      return { key, value, equal: operator !== '!=' };
    });
}

function at(object: SimObject, path: string): unknown {
  return path.split('.').reduce<unknown>((value, key) => (isFields(value) ? value[key] : undefined), object);
}

/** A watch that somebody has. */
export interface Watcher {
  /** Nothing is heard of it any more, but nobody says that it has ended. */
  freeze(): void;
  /** Writes a line as it is. */
  write(text: string): void;
  /** Tells an error, and ends it. */
  refuse(refusal: Refusal): void;
  end(): void;
}

export interface WatchOptions {
  readonly target: Target;
  readonly query: URLSearchParams;
  readonly response: ServerResponse;
  /** Milliseconds. */
  readonly bookmarkEvery: number;
  readonly ended: () => void;
}

/** Begins to tell what happens. */
export function startWatch(
  state: State,
  { target, query, response, bookmarkEvery, ended }: WatchOptions,
): Watcher {
  const { resource, namespace } = target;
  const named = target.name;
  const selected = selectorOf(query);
  const isOf = (object: SimObject) =>
    (namespace === undefined || object.metadata.namespace === namespace) &&
    (named === undefined || object.metadata.name === named) &&
    selected(object);
  let isFrozen = false;
  const write = (text: string) => {
    if (!isFrozen && !response.writableEnded) response.write(text);
  };
  const send = (type: string, object: unknown) => write(`${JSON.stringify({ type, object })}\n`);
  const tell = (happening: Happening) => {
    if (happening.resource.plural !== resource.plural || happening.resource.group !== resource.group) return;
    const was = happening.before !== undefined && isOf(happening.before);
    const is = happening.after !== undefined && isOf(happening.after);
    if (is) send(was ? 'MODIFIED' : 'ADDED', happening.after);
    else if (was) send('DELETED', happening.last);
  };
  const bookmark = () =>
    send('BOOKMARK', {
      kind: resource.kind,
      apiVersion: apiVersionOf(resource),
      metadata: { resourceVersion: `${state.version}`, creationTimestamp: null } satisfies Fields,
    });

  response.writeHead(200, { 'content-type': 'application/json' });
  response.flushHeaders();
  const from = query.get('resourceVersion') || '0';
  const seconds = Number(query.get('timeoutSeconds')) || 1800;
  const withBookmarks = query.get('allowWatchBookmarks') === 'true';
  const timers = [
    setTimeout(() => {
      if (withBookmarks) bookmark();
      if (!isFrozen) watcher.end();
    }, seconds * 1000),
    ...(withBookmarks ? [setInterval(bookmark, bookmarkEvery)] : []),
  ];
  const unfollow = state.follow(tell);
  const stop = () => {
    for (const timer of timers) clearTimeout(timer);
    unfollow();
    ended();
  };
  response.on('close', stop);
  const watcher: Watcher = {
    freeze() {
      isFrozen = true;
    },
    write,
    refuse(refusal) {
      send('ERROR', statusBody(refusal));
      watcher.end();
    },
    end() {
      stop();
      response.end();
    },
  };
  if (from === '0') for (const object of state.list(target)) if (isOf(object)) send('ADDED', object);
  if (from !== '0' && Number(from) < state.forgotten) {
    const message = `too old resource version: ${from} (${state.forgotten})`;
    watcher.refuse(new Refusal(410, 'Expired', message));
  } else if (from !== '0')
    for (const happening of state.happenings) if (happening.version > Number(from)) tell(happening);
  return watcher;
}
