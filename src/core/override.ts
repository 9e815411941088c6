import { CODES, type Code } from './code.ts';
import { EXIT, failure } from './problem.ts';
import { nameSome, type Verdict } from './verdict.ts';

/** A denial that somebody answers for, in one plan. */
export interface Override {
  readonly code: Code;
  readonly digest: string;
}

/** Who overrides, and why. */
export interface Overrider {
  readonly actor: string | null;
  readonly reason: string | null;
  /** Whether the actor owns a workspace now, by the state before the plan. */
  owns(workspace: string): boolean;
}

/** Codes that hold whoever asks. */
const FIRM: readonly Code[] = ['RC209', 'RC210', 'RC213'];

/** Reads `CODE@DIGEST`. Throws a Failure (exit 4) when it is none. */
export function parseOverride(text: string): Override {
  const match = /^(RC\d{3})@(sha256:[0-9a-f]{64})$/.exec(text);
  if (!match?.[1] || !match[2] || !(match[1] in CODES))
    throw failure(
      EXIT.invalid,
      'RC121',
      `--override cannot be ${JSON.stringify(text)}`,
      'CODE@DIGEST, as a refused plan prints it',
    );
  const code = match[1] as Code;
  if (FIRM.includes(code))
    throw failure(
      EXIT.invalid,
      'RC121',
      `--override ${code}: ${CODES[code][0]} cannot be overridden`,
      code === 'RC209' ? 'change what refers to it, in the same plan' : 'take it over with --adopt',
    );
  return { code, digest: match[2] };
}

/** The same verdicts, each denial with the exact options that let it pass, where there are such. */
export function withWaysOut(verdicts: readonly Verdict[], digest: () => string): Verdict[] {
  return verdicts.map((verdict) => {
    if (verdict.severity !== 'deny' || FIRM.includes(verdict.code)) return verdict;
    const who = verdict.class === 'hard' ? ' --as USER' : '';
    return { ...verdict, override: `--override ${verdict.code}@${digest()} --reason TEXT${who}` };
  });
}

/**
 * Turns the denials that are overridden into warnings that say by whom.
 *
 * Throws a Failure: exit 5 when an override is for another plan; exit 4 when nothing of its code is denied, the reason
 * is missing, or a hard one is not asked for by an owner of every workspace concerned.
 */
export function override(
  verdicts: readonly Verdict[],
  overrides: readonly Override[],
  digest: () => string,
  { actor, reason, owns }: Overrider,
): { verdicts: Verdict[]; overridden: Verdict[] } {
  const overridden: Verdict[] = [];
  for (const { code, digest: wanted } of overrides) {
    if (wanted !== digest())
      throw failure(
        EXIT.stale,
        'RC405',
        `--override ${code} is for the plan ${wanted}, and this one is ${digest()}`,
        'an override holds for one plan: look at this one, and decide again',
      );
    const denied = verdicts.filter((verdict) => verdict.code === code && verdict.severity === 'deny');
    if (denied.length === 0)
      throw failure(
        EXIT.invalid,
        'RC121',
        `--override ${code}: this plan has no such refusal`,
        'leave it out',
      );
    if (reason === null || reason.trim() === '')
      throw failure(EXIT.invalid, 'RC121', `--override ${code} needs a reason`, 'say why with --reason TEXT');
    if (denied.some((verdict) => verdict.class === 'hard')) refuseOthers(code, denied, actor, owns);
  }
  const codes = new Set(overrides.map(({ code }) => code));
  const result = verdicts.map((verdict): Verdict => {
    if (verdict.severity !== 'deny' || !codes.has(verdict.code)) return verdict;
    const said: Verdict = {
      ...verdict,
      severity: 'warn',
      message: `${verdict.message}; overridden by ${actor ?? 'somebody unnamed'}: ${reason}`,
      numbers: { ...verdict.numbers, overridden: true },
      override: null,
    };
    overridden.push(said);
    return said;
  });
  return { verdicts: result, overridden };
}

function refuseOthers(
  code: Code,
  denied: readonly Verdict[],
  actor: string | null,
  owns: Overrider['owns'],
): void {
  const concerned = [
    ...new Set(
      denied.flatMap(({ numbers }) =>
        Array.isArray(numbers.workspaces) ? numbers.workspaces.map(String) : [],
      ),
    ),
  ].sort();
  const hint = `ask an owner of ${nameSome(concerned)}`;
  if (actor === null)
    throw failure(
      EXIT.invalid,
      'RC121',
      `--override ${code} needs an owner to ask for it`,
      'name yourself with --as USER',
    );
  const not = concerned.filter((workspace) => !owns(workspace));
  if (not.length > 0)
    throw failure(
      EXIT.invalid,
      'RC121',
      `--override ${code}: "${actor}" does not own ${nameSome(not)}`,
      `${hint}; where there is none yet, apply without what is refused first`,
    );
}
