import { createNetwork } from '../../src/engine/index.js';
import { RunningScaler } from '../../src/online/index.js';
import type { RowSchema, TaskSpec } from '../../src/spec/index.js';
import type { Stream } from '../../src/stream/index.js';

/** One thing that happens to a stream. Values as the device meant them: `isBad` rows fail a gate. */
export type Event =
  | { kind: 'row'; x: number[]; y: number | null; isBad?: boolean }
  | { kind: 'lost' }
  | { kind: 'gap' };

/** The schema and network the oracle knows: two features with a gate on the first, one target. */
export const FEATURES = ['x0', 'x1'];
export const HIDDEN = 3;
export const SEED = 7;

export function schemaFor(kind: TaskSpec['kind'], classes: number): RowSchema {
  return [
    { name: 'x0', range: [-100, 100] },
    { name: 'x1' },
    kind === 'regress' ? { name: 'y' } : { name: 'y', kind: 'class', classes },
  ];
}

/** Gives one event to a stream; returns its outcome, 0 where there is none. */
export function feed(stream: Stream, event: Event): number {
  if (event.kind === 'lost') stream.lost(1);
  else if (event.kind === 'gap') stream.gap('request');
  else {
    stream.row[0] = event.isBad ? 999 : event.x[0];
    stream.row[1] = event.x[1];
    stream.row[2] = event.y ?? Number.NaN;
    return stream.accept();
  }
  return 0;
}

interface Slot {
  z: Float64Array | null;
  prediction: number | null;
  baseline: number | null;
  label: number | null;
  isWarm: boolean;
}

export interface Scored {
  prediction: number;
  baseline: number;
  truth: number;
}

export interface OracleResult {
  /** One entry an event: the prediction of a row, or null. */
  predictions: (number | null)[];
  scored: Scored[];
  learned: number;
}

/**
 * The same semantics written the slow way: every slot is kept for ever and found by its index, and nothing is shared
 * with the stream but the network and the scaler.
 */
export function runOracle(
  events: readonly Event[],
  task: { kind: TaskSpec['kind']; delay: number; labelAge: number; warmup: number },
  classes: number,
): OracleResult {
  const isRegression = task.kind === 'regress';
  const network = createNetwork(
    {
      inputs: 2,
      layers: [
        { kind: 'dense', units: HIDDEN, activation: 'tanh' },
        { kind: 'dense', units: isRegression ? 1 : classes, activation: isRegression ? 'identity' : 'softmax' },
      ],
      loss: isRegression ? 'squaredError' : 'crossEntropy',
      optimizer: { kind: 'sgd', rate: 0.05 },
    },
    { seed: SEED },
  );
  const features = new RunningScaler(2);
  const targets = new RunningScaler(1);
  const slots: Slot[] = [];
  let start = 0; // slots before it are forgotten
  let rows = 0;
  let latest: number | null = null;
  const result: OracleResult = { predictions: [], scored: [], learned: 0 };

  for (const event of events) {
    if (event.kind === 'gap') {
      start = slots.length;
      result.predictions.push(null);
      continue;
    }
    const isSeen = event.kind === 'row';
    const isGood = isSeen && !event.isBad;
    if (isSeen) rows++;
    const now = slots.length;
    const slot: Slot = {
      z: null,
      prediction: null,
      baseline: null,
      label: isGood ? event.y : null,
      isWarm: rows > task.warmup,
    };
    slots.push(slot);

    const labelRow = now - task.delay;
    const label = labelRow >= start ? slots[labelRow].label : null;
    if (label !== null) {
      const truthRow = labelRow - task.labelAge;
      const past = truthRow >= start ? slots[truthRow] : null;
      if (past?.z && past.isWarm && past.baseline !== null) {
        result.scored.push({ prediction: past.prediction!, baseline: past.baseline, truth: label });
      }
      latest = label;
      if (isRegression) targets.update(Float64Array.of(label), 0);
      if (past?.z) {
        network.input.set(past.z);
        if (isRegression) targets.standardise(network.target, Float64Array.of(label), 0);
        else network.target.set(Array.from({ length: classes }, (_, c) => (c === label ? 1 : 0)));
        network.step();
        result.learned++;
      }
    }

    if (isGood && event.x.every(Number.isFinite)) {
      const x = Float64Array.from(event.x);
      features.update(x, 0);
      slot.z = new Float64Array(2);
      features.standardise(slot.z, x, 0);
      network.input.set(slot.z);
      network.forward();
      const out = [...network.output];
      const unscaled = new Float64Array(1);
      if (isRegression) targets.inverse(unscaled, network.output);
      slot.prediction = isRegression ? unscaled[0] : out.indexOf(Math.max(...out));
      slot.baseline = latest;
    }
    result.predictions.push(slot.prediction);
  }
  return result;
}
