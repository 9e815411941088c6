import type { LogFields, LogLevel } from '../../src/operator/log.ts';
import type { Kube, KubeCall } from '../../src/sources/kube.ts';

/** A Kube that answers each call as a test says, and keeps all calls. It watches nothing. */
export function scriptedKube(answer: (call: KubeCall) => unknown): Kube & { readonly calls: KubeCall[] } {
  const calls: KubeCall[] = [];
  return {
    server: 'https://scripted.invalid',
    namespace: 'default',
    calls,
    async request<T>(call: KubeCall): Promise<T> {
      calls.push(call);
      return (await answer(call)) as T;
    },
    watch: () => {
      throw new Error('nothing is watched here');
    },
    close: async () => {},
  };
}

/** What was logged, in order. */
export interface Logged extends LogFields {
  readonly level: LogLevel;
  readonly message: string;
}

export function recordingLog() {
  const lines: Logged[] = [];
  const at =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}) => {
      lines.push({ ...fields, level, message });
    };
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
