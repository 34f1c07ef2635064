// What `accept` returns: one of the first four, and any of the others. Test with `&`.

/** The row was predicted: `prediction` is of this row. */
export const PREDICTED = 1;
/** A value was out of range or made too large a step: not predicted, never learned from. */
export const QUARANTINED = 2;
/** A feature is missing: not predicted. A label in the row is used all the same. */
export const MISSING = 4;
/** The network's outputs for this row are not finite. */
export const NOT_FINITE = 8;
/** A gap came before this row. */
export const AFTER_GAP = 16;
/** An earlier prediction was scored: `truth`, `scoredPrediction` and `scoredBaseline` are of that row. */
export const SCORED = 32;
/** The network learned one row. */
export const LEARNED = 64;
/** The network refused a step, because something in it was not finite, and is as it was. */
export const STEP_SKIPPED = 128;
/** A watcher of `drift` told a change; `report().drift` says which. */
export const DRIFTED = 256;
/** The row whose label has come was held out as part of the probe: not learned from. */
export const HELD_OUT = 4096;
/** A look at the probe has found that the learner has forgotten: `report().monitor` tells how much. */
export const FORGOTTEN = 8192;
/** The best state known was put back then. */
export const ROLLED_BACK = 16384;

/** `anomaly`: the row is in alarm. */
export const ALARM = 512;

const NAMES: readonly [bit: number, name: string][] = [
  [PREDICTED, 'predicted'],
  [QUARANTINED, 'quarantined'],
  [MISSING, 'missing'],
  [NOT_FINITE, 'notFinite'],
  [AFTER_GAP, 'afterGap'],
  [SCORED, 'scored'],
  [LEARNED, 'learned'],
  [STEP_SKIPPED, 'stepSkipped'],
  [DRIFTED, 'drifted'],
  [HELD_OUT, 'heldOut'],
  [FORGOTTEN, 'forgotten'],
  [ROLLED_BACK, 'rolledBack'],
  [ALARM, 'alarm'],
];

/** An outcome in words. */
export function outcomeNames(outcome: number): string[] {
  return NAMES.filter(([bit]) => (outcome & bit) !== 0).map(([, name]) => name);
}
