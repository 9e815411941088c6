import { describe, expect, test } from 'vitest';
import { EXIT, Failure } from '../../src/core/problem.ts';
import { newSecret, type SecretText } from '../../src/engine/secret-text.ts';
import type { Sink } from '../../src/engine/sinks.ts';

/** A place that nobody has used yet, for the secrets of one Token. */
export interface SinkPlace {
  /** Its sink: each another one, as each process has its own. */
  sink(): Sink;
  /** The same, known by what the ledger remembers of it. */
  remembered(): Sink;
  /** What is there, as whoever uses the secret reads it; undefined when nothing is. */
  read(): Promise<string | undefined>;
  /** Somebody else puts a text there. */
  put(text: string): Promise<void>;
  /** Somebody else takes away what is there. */
  clear(): Promise<void>;
}

export interface SinkContract {
  readonly name: string;
  readonly newPlace: () => SinkPlace | Promise<SinkPlace>;
}

/** What every sink must do (src/engine/sinks.ts). */
export function sinkContract({ name, newPlace }: SinkContract): void {
  const nobody = () => false;

  /** A Token that has secrets. */
  function newToken() {
    const ids = new Set<string>();
    return {
      isOurs: (id: string) => ids.has(id),
      issue(): SecretText {
        const secret = newSecret();
        ids.add(secret.id);
        return secret;
      },
    };
  }

  async function deliver(sink: Sink, { issue, isOurs }: ReturnType<typeof newToken>): Promise<SecretText> {
    expect(await sink.check(isOurs)).toBeUndefined();
    const secret = issue();
    await sink.stage(secret, isOurs);
    await sink.place(secret.id, isOurs);
    return secret;
  }

  async function waiting(sink: Sink): Promise<string[]> {
    return (await sink.staged()).map(({ id }) => id).sort();
  }

  /** The codes of a refusal, which must not tell the secret. */
  async function refused(work: Promise<void>, { text }: SecretText): Promise<string[]> {
    const error = await work.catch((thrown: unknown) => thrown);
    if (!(error instanceof Failure)) throw error ?? new Error('was not refused');
    const said = JSON.stringify([error.problems, String(error), error.stack]);
    const looks = [text, Buffer.from(text).toString('base64')];
    for (const look of looks) expect(said).not.toContain(look.slice(24, 80));
    expect(error.exit).toBe(EXIT.error);
    return error.problems.map(({ code }) => code);
  }

  describe(`sink contract: ${name}`, () => {
    test('gets a secret, which is there for whoever uses it, and known again by its id', async () => {
      const place = await newPlace();
      const sink = place.sink();
      expect(await sink.holds()).toBeUndefined();
      expect(await sink.staged()).toEqual([]);
      const { id, text } = await deliver(sink, newToken());
      expect(await place.read()).toBe(text);
      for (const one of [sink, place.sink(), place.remembered()]) {
        expect(one.path).toBe(sink.path);
        expect(one.shown).toBe(sink.shown);
        expect(await one.holds()).toBe(id);
        expect(await one.staged()).toEqual([]);
      }
    });

    test('looking at it changes nothing', async () => {
      const place = await newPlace();
      const { isOurs } = newToken();
      for (const sink of [place.sink(), place.remembered()]) {
        expect(await sink.check(isOurs)).toBeUndefined();
        await sink.drop(newSecret().id);
        await sink.remove(isOurs);
        expect(await place.read()).toBeUndefined();
        expect(await sink.staged()).toEqual([]);
      }
    });

    test('holds its secret until another is placed, which waits beside it, for any process', async () => {
      const place = await newPlace();
      const token = newToken();
      const first = await deliver(place.sink(), token);
      const second = token.issue();
      await place.sink().stage(second, token.isOurs);
      expect(await place.read()).toBe(first.text);
      for (const one of [place.sink(), place.remembered()]) {
        const [staged, ...more] = await one.staged();
        expect(staged).toMatchObject({ id: second.id, isWhole: true });
        expect(staged?.age).toBeLessThan(3_600_000);
        expect(more).toEqual([]);
        expect(await one.holds()).toBe(first.id);
      }
      for (const one of [place.remembered(), place.sink()]) {
        await one.place(second.id, token.isOurs);
        expect(await place.read()).toBe(second.text);
        expect(await one.staged()).toEqual([]);
        await one.drop(second.id);
      }
      expect(await place.sink().holds()).toBe(second.id);
    });

    test('is as it was once what waits is dropped, and that can be placed no more', async () => {
      const place = await newPlace();
      const token = newToken();
      const first = await deliver(place.sink(), token);
      const second = token.issue();
      await place.sink().stage(second, token.isOurs);
      for (const one of [place.sink(), place.remembered()]) await one.drop(second.id);
      expect(await place.read()).toBe(first.text);
      expect(await place.sink().staged()).toEqual([]);
      expect(await refused(place.sink().place(second.id, token.isOurs), second)).toEqual(['RC509']);
      expect(await place.read()).toBe(first.text);
    });

    test('several wait at once, and none takes another away', async () => {
      const place = await newPlace();
      const token = newToken();
      const all = [token.issue(), token.issue(), token.issue()] as const;
      await Promise.all(all.map((one) => place.sink().stage(one, token.isOurs)));
      const [a, b, c] = all;
      expect(await waiting(place.sink())).toEqual([a.id, b.id, c.id].sort());
      expect(await place.read()).toBeUndefined();
      await place.sink().place(b.id, token.isOurs);
      expect(await waiting(place.sink())).toEqual([a.id, c.id].sort());
      await place.remembered().drop(c.id);
      await place.remembered().place(a.id, token.isOurs);
      expect(await place.read()).toBe(a.text);
      expect(await place.sink().staged()).toEqual([]);
    });

    test('what somebody else has put there is refused, and never touched', async () => {
      const token = newToken();
      const foreign = newSecret().text;
      const own = token.issue().text;
      for (const text of ['', 'mine', foreign, `${own}x`, ` ${own}`, own.slice(0, -1)]) {
        const place = await newPlace();
        await place.put(text);
        const sink = place.sink();
        const problem = await sink.check(token.isOurs);
        expect(problem).toMatchObject({ code: 'RC506', severity: 'error' });
        expect(JSON.stringify(problem)).not.toContain(own.slice(24));
        const secret = token.issue();
        expect(await refused(sink.stage(secret, token.isOurs), secret)).toEqual(['RC506']);
        await sink.remove(token.isOurs);
        expect(await sink.staged()).toEqual([]);
        expect(await place.read()).toBe(text);
      }
    });

    test('what somebody else puts there while a secret waits stays, and so does the secret', async () => {
      const place = await newPlace();
      const token = newToken();
      const secret = token.issue();
      await place.sink().stage(secret, token.isOurs);
      await place.put('mine');
      expect(await refused(place.sink().place(secret.id, token.isOurs), secret)).toEqual(['RC506']);
      expect(await place.read()).toBe('mine');
      expect(await waiting(place.sink())).toEqual([secret.id]);
      await place.clear();
      await place.remembered().place(secret.id, token.isOurs);
      expect(await place.read()).toBe(secret.text);
    });

    test('what is taken away by others can be put there again', async () => {
      const place = await newPlace();
      const token = newToken();
      await deliver(place.sink(), token);
      await place.clear();
      expect(await place.sink().holds()).toBeUndefined();
      const { text } = await deliver(place.sink(), token);
      expect(await place.read()).toBe(text);
    });

    test('is emptied of what is ours, beside it too, and can be used again', async () => {
      const place = await newPlace();
      const token = newToken();
      await deliver(place.sink(), token);
      await place.sink().stage(token.issue(), token.isOurs);
      await place.remembered().remove(nobody);
      expect(await place.sink().holds()).toBeDefined();
      expect(await place.sink().staged()).toHaveLength(1);
      for (const one of [place.remembered(), place.sink()]) {
        await one.remove(token.isOurs);
        expect(await place.read()).toBeUndefined();
        expect(await one.staged()).toEqual([]);
      }
      const { text } = await deliver(place.sink(), token);
      expect(await place.read()).toBe(text);
    });

    test('what waits of another Token is not removed', async () => {
      const place = await newPlace();
      const [token, other] = [newToken(), newToken()];
      await deliver(place.sink(), token);
      const foreign = other.issue();
      await place.sink().stage(foreign, token.isOurs);
      await place.sink().remove(token.isOurs);
      expect(await place.read()).toBeUndefined();
      expect(await waiting(place.sink())).toEqual([foreign.id]);
    });
  });
}
