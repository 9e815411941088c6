import type { Manifest } from './resource.ts';

/** What becomes of drift: brought back by the next apply, told, or left alone. */
export type Treatment = 'enforce' | 'report' | 'ignore';

const DRIFT = 'rolecall.dev/drift';

/** What the annotation `rolecall.dev/drift` of a manifest asks for. */
export function treatmentOf({ metadata: { annotations } }: Manifest): Treatment {
  const asked = annotations && typeof annotations === 'object' && DRIFT in annotations && annotations[DRIFT];
  return asked === 'report' || asked === 'ignore' ? asked : 'enforce';
}

/** Whether a body may have that annotation: what has not need not be parsed. */
export function mayTreatDrift(body: string): boolean {
  return body.includes(`"${DRIFT}":"`);
}
