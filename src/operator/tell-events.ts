import { type Change, identityOfChange } from '../core/plan.ts';
import type { Identity } from '../core/resource.ts';
import { API_VERSION } from '../kinds/index.ts';
import type { Standing } from './conditions.ts';
import type { Known } from './objects.ts';
import type { Operation } from './operation.ts';

/** Of more that are applied at once nobody reads each by itself: their statuses say it. */
const MANY = 100;

/** Tells of what is different from what was said before, as Events and in the log. Must be called before the statuses are written. */
export function tellEvents(
  { events, log, metrics }: Operation,
  told: ReadonlyMap<Known, Standing>,
  drifted: readonly Change[],
): void {
  const isMuch = [...told.values()].filter((one) => one.is === 'applied' && one.changed).length > MANY;
  const drifts = new Map<Identity, Change>(drifted.map((change) => [identityOfChange(change), change]));
  for (const [known, standing] of told) {
    const { kind, id, object, key } = known;
    const happened = (type: 'Normal' | 'Warning', reason: string, action: string, note: string) => {
      events.record({ object: { ...object, apiVersion: API_VERSION, kind }, type, reason, action, note });
      const fields = { key, object: id, reason, note };
      if (type === 'Warning') log.warn('not as it is declared', fields);
      else log.debug('as it is declared', fields);
    };
    const drift = drifts.get(id);
    if (drift) happened('Normal', 'DriftCorrected', 'Apply', `brought back: ${drift.reason}`);
    else if (standing.is === 'applied') {
      if (standing.changed && !isMuch)
        happened('Normal', 'Applied', 'Apply', `applied with revision ${standing.revision}`);
    } else {
      const reason = standing.is === 'paused' ? 'Paused' : standing.reason;
      const last = object.status?.conditions?.find(({ type }) => type === 'Ready');
      if (last?.reason === reason && last.message === standing.message) continue;
      const action = known.isLeaving ? 'Delete' : 'Apply';
      happened(standing.is === 'paused' ? 'Normal' : 'Warning', reason, action, standing.message);
      const code = /^RC[23]\d\d/.exec(standing.message)?.[0];
      if (standing.is === 'stalled' && code) metrics.denied(code);
    }
  }
  if (drifted.length > 0) metrics.driftCorrected(drifted.length);
}
