import type { AuditRow } from './audit.ts';
import type { Identity } from './resource.ts';
import type { Verdict } from './verdict.ts';

/** What rows that are no change of a resource say beside their columns; which members there are depends on the action. */
export interface AuditPayload {
  /** Of a plan. */
  readonly digest?: string;
  readonly manager?: string;
  /** Of a pull request: whether it is known that people looked at just this. */
  readonly review?: string;
  readonly adopts?: Readonly<Record<Identity, string>>;
  /** What a policy found; who answers for an override. */
  readonly message?: string;
  /** The fingerprint of a secret, and the file that it went to. */
  readonly secret?: string;
  /** Of a retirement the pointer to the window, until when it was. */
  readonly path?: string;
  readonly until?: string;
  /** The numbers of rows that were redacted. */
  readonly rows?: readonly number[] | undefined;
}

/** Empty for a change of a resource, for what is redacted, and for what is not as it was written. */
export function payloadOf({ action, after }: Pick<AuditRow, 'action' | 'after'>): AuditPayload {
  if (action === 'create' || action === 'update' || action === 'delete') return {};
  const payload = parsed(after);
  if (typeof payload !== 'object' || payload === null) return {};
  const rows = 'rows' in payload && Array.isArray(payload.rows) ? { rows: payload.rows } : {};
  return { ...payload, rows: undefined, ...rows };
}

/** What guards and policies said. */
export function verdictsOf({ verdicts }: Pick<AuditRow, 'verdicts'>): Verdict[] {
  const list = parsed(verdicts);
  return Array.isArray(list) ? list : [];
}

/** Undefined where there is none, or somebody changed it to what is no JSON: the audit must be readable all the more. */
function parsed(text: string | null): unknown {
  try {
    return text === null ? undefined : JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
