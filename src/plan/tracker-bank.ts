import * as L from './layout.js';
import { pad4, type Region, Space } from './space.js';

/** A linear model whose weights are expected to drift. */
export interface TrackerSpec {
  /** Whether it sees the curved features of a row too. */
  readonly isCurved: boolean;
  /** Variance of a weight about which nothing is known. */
  readonly prior: number;
  /** 0 < drift < ½; about 1 / drift rows are remembered where nothing comes to confirm them. */
  readonly drift: number;
  /** Whether weights are drawn to 0 too, and not only their certainty forgotten. */
  readonly shrinks: boolean;
}

/** Trackers of one row and one target. */
export interface TrackerBankSpec {
  readonly inputs: number;
  readonly outputs: number;
  /** Curved features, a multiple of 4. */
  readonly units: number;
  readonly trackers: readonly TrackerSpec[];
}

/** Where the arrays of a tracker lie. */
export interface TrackerRegions {
  /** Features it looks at, padding included. */
  readonly size: number;
  readonly weights: Region;
  readonly covariance: Region;
  readonly diagonal: Region;
  readonly output: Region;
  readonly numbers: Region;
}

/** The frozen layout of a tracker bank. */
export interface TrackerBankPlan {
  readonly spec: TrackerBankSpec;
  readonly bank: Region;
  readonly input: Region;
  readonly matrix: Region;
  readonly offsets: Region;
  readonly features: Region;
  readonly target: Region;
  readonly trackers: readonly TrackerRegions[];
  readonly regions: readonly Region[];
  /** Header and records as they lie in region `bank`. */
  readonly words: readonly number[];
  /** Elements and bytes from the start of the arena to the end of this plan. */
  readonly floats: number;
  readonly bytes: number;
}

/** What an arena holds beside a bank: where it ends, and where the row lies. A bank by itself has an arena of its own. */
export interface TrackerBankPlace {
  readonly floats: number;
  readonly input: Region;
}

/** Lays out a bank, behind what there is already. */
export function planTrackerBank(spec: TrackerBankSpec, place?: TrackerBankPlace): TrackerBankPlan {
  const { inputs, outputs, units } = spec;
  const space = new Space(0, place?.floats);
  if (place === undefined) space.take('constants', 'vector', [L.CONSTANT_FLOATS]);
  const linearSize = pad4(inputs + 1);
  const curvedSize = linearSize + units;
  const bank = space.take('bank', 'words', [L.BANK_WORDS + spec.trackers.length * L.TRACKER_WORDS]);
  const input = place?.input ?? space.take('row', 'vector', [inputs]);
  const matrix = space.take('matrix', 'panels', [units, inputs]);
  const offsets = space.take('offsets', 'vector', [units]);
  const features = space.take('features', 'vector', [curvedSize]);
  const target = space.take('bank target', 'vector', [outputs]);
  const words = new Array<number>(L.BANK_WORDS).fill(0);
  words[L.B_INPUT] = input.offset;
  words[L.B_INPUTS] = inputs;
  words[L.B_UNITS] = units;
  words[L.B_MATRIX] = matrix.offset;
  words[L.B_OFFSETS] = offsets.offset;
  words[L.B_FEATURES] = features.offset;
  words[L.B_TARGET] = target.offset;
  words[L.B_OUTPUTS] = outputs;
  words[L.B_COUNT] = spec.trackers.length;
  const trackers = spec.trackers.map(({ isCurved }, k): TrackerRegions => {
    const size = isCurved ? curvedSize : linearSize;
    const take = (name: string, layout: Region['layout'], shape: number[]) =>
      space.take(`trackers.${k}.${name}`, layout, shape);
    const regions = {
      size,
      weights: take('weights', 'dense', [outputs, size]),
      covariance: take('covariance', 'panels', [size, size]),
      diagonal: take('diagonal', 'vector', [size]),
      gain: take('gain', 'vector', [size]),
      product: take('product', 'vector', [size]),
      output: take('output', 'vector', [outputs]),
      numbers: take('numbers', 'words', [2 * L.TRACKER_NUMBERS]),
    };
    const record = new Array<number>(L.TRACKER_WORDS).fill(0);
    record[L.T_SIZE] = size;
    record[L.T_WEIGHTS] = regions.weights.offset;
    record[L.T_COVARIANCE] = regions.covariance.offset;
    record[L.T_DIAGONAL] = regions.diagonal.offset;
    record[L.T_GAIN] = regions.gain.offset;
    record[L.T_PRODUCT] = regions.product.offset;
    record[L.T_OUTPUT] = regions.output.offset;
    record[L.T_NUMBERS] = regions.numbers.offset;
    words.push(...record);
    return Object.freeze(regions);
  });
  return Object.freeze({
    spec,
    bank,
    input,
    matrix,
    offsets,
    features,
    target,
    trackers: Object.freeze(trackers),
    regions: Object.freeze(space.regions),
    words: Object.freeze(words),
    floats: space.floats,
    bytes: 4 * space.floats,
  });
}
