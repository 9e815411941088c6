import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EXIT, failure } from '../../src/core/problem.ts';
import { newSecret } from '../../src/engine/secret-text.ts';
import { createLog, type Log, type LogOptions } from '../../src/operator/log.ts';
import { KubeError } from '../../src/sources/kube.ts';

function logging(options: Partial<LogOptions> = {}): { log: Log; said: () => string } {
  let all = '';
  const log = createLog({
    format: 'json',
    level: 'info',
    now: () => Date.parse('2026-11-24T10:00:00Z'),
    write: (text) => {
      all += text;
    },
    ...options,
  });
  return { log, said: () => all };
}

test('a line is one JSON object with time, level, message and fields', () => {
  const { log, said } = logging();
  log.info('applied', { key: 'workspace/acme', object: 'Role//reader', revision: 7, hint: undefined });
  expect(said()).toBe(
    '{"level":"info","time":"2026-11-24T10:00:00.000Z","key":"workspace/acme","object":"Role//reader","revision":7,"msg":"applied"}\n',
  );
});

test('what is below the level is not said', () => {
  const { log, said } = logging({ level: 'warn' });
  log.debug('a');
  log.info('b');
  log.warn('c');
  log.error('d');
  expect(
    said()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).msg),
  ).toEqual(['c', 'd']);
});

test('an error that is expected says what it is, any other also where it is from', () => {
  const { log, said } = logging();
  log.warn('a', { error: failure(EXIT.stale, 'RC401', 'the store is locked') });
  log.warn('b', { error: new KubeError(409, 'Conflict', 'it has changed') });
  log.warn('c', { error: new Error('refused', { cause: new Error('no route') }) });
  log.warn('d', { error: 'just text' });
  const lines = said()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.map(({ error }) => error)).toEqual([
    'RC401 the store is locked',
    'it has changed',
    'refused: no route',
    'just text',
  ]);
  expect(lines.map(({ stack }) => stack !== undefined)).toEqual([false, false, true, false]);
});

test('a line for people is one line, whatever is in it', () => {
  const { log, said } = logging({ format: 'text' });
  log.warn('not\nwritten', {
    key: 'global',
    error: new KubeError(null, '', 'broken "pipe"\r\n\u001b[31m'),
    n: 3,
  });
  expect(said()).toBe(
    '2026-11-24T10:00:00.000Z WARN  not\\u000awritten key=global n=3 error="broken \\"pipe\\"\\r\\n\\u001b[31m"\n',
  );
});

const CREDENTIALS: readonly (readonly [secret: string, text: string])[] = [
  ['hunter22', 'cannot reach postgres://iam:hunter22@db.acme.example:5432/iam'],
  ['p@ss:w/rd', 'cannot reach postgres://iam:p@ss:w/rd@db/iam'],
  ['pass"word', 'cannot reach postgres://iam:pass"word@db/iam'],
  ['hunter22', 'connect: host=db password=hunter22 sslmode=require'],
  ['hunter"22', 'connect: password=hunter"22\nhost=db'],
  ['hunter22', 'postgres://db/iam?password=hunter22&schema=x'],
  ['aGVsbG8td29ybGQ', 'authorization: Bearer aGVsbG8td29ybGQ'],
  ['c2lnbmF0dXJl', 'token eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrdWJlcm5ldGVzIn0.c2lnbmF0dXJl is not valid'],
];

for (const format of ['json', 'text'] as const) {
  test(`no credentials are said, wherever they stand (${format})`, () => {
    for (const [secret, text] of CREDENTIALS) {
      for (const say of [
        (log: Log) => log.info(text),
        (log: Log) => log.info('a', { note: text }),
        (log: Log) => log.info('a', { deep: { list: [text] } }),
        (log: Log) => log.error('a', { error: new Error(text) }),
        (log: Log) => log.error('a', { error: new Error('b', { cause: new Error(text) }) }),
      ]) {
        const { log, said } = logging({ format });
        say(log);
        expect(said()).toContain('…');
        expect(said()).not.toContain(secret);
        expect(said()).not.toContain(JSON.stringify(secret).slice(1, -1));
      }
    }
  });

  test(`no secret of a token is said in any text (${format})`, () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (before, after) => {
        const { id, text } = newSecret();
        const { log, said } = logging({ format });
        log.info(before + text, { error: new Error(text + after), [`x${before}`]: text });
        expect(said()).toContain(`rct_${id}_…`);
        expect(said()).not.toContain(text.slice(17));
      }),
    );
  });
}

test('whatever is masked, a line stays one JSON object', () => {
  const part = fc.constantFrom(
    'postgres://',
    'u',
    ':',
    '@',
    '"',
    '\\',
    'password=',
    '\n',
    ' ',
    'eyJ',
    '.',
    'Bearer ',
    'x',
  );
  const text = fc.array(part, { maxLength: 30 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(text, text, (message, note) => {
      const { log, said } = logging();
      log.info(message, { note, deep: { [note]: [message] } });
      expect(said().split('\n')).toHaveLength(2);
      expect(JSON.parse(said())).toMatchObject({ level: 'info' });
    }),
    { numRuns: 1000 },
  );
});

test('what is no secret is said as it is', () => {
  const { log, said } = logging();
  const plain = 'https://acme.example:8443/a?b=c mailto:ana@acme.example basic things sha256:0123abcd';
  log.info(plain);
  expect(JSON.parse(said()).msg).toBe(plain);
});
