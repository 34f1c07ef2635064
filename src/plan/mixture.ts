import * as L from './layout.js';
import { pad4, type Region, Space } from './space.js';

/** How the experts of a race are mixed: networks, trackers, and the naive predictor as the last. */
export interface MixtureSpec {
  readonly outputs: number;
  /** Whether outputs are probabilities of classes, judged by Brier's score, or standardised numbers, judged by |error|. */
  readonly isClasses: boolean;
  /** Rows that can wait for their labels. */
  readonly slots: number;
  /** How strongly weights follow losses, > 0. */
  readonly rate: number;
  /** What is left of a loss after a row, 0 < memory < 1: 1 / (1 − memory) rows are remembered. */
  readonly memory: number;
  /** The largest loss of one row, so that none decides. */
  readonly limit: number;
  /** [networks]: rate · curvature; a step is softened to 1 / (1 + that · (‖x‖² + others)). */
  readonly factors: readonly number[];
  readonly others: number;
}

/** The frozen layout of a mixture. */
export interface MixturePlan {
  readonly spec: MixtureSpec;
  readonly experts: number;
  readonly mixture: Region;
  /** [slots + 1, experts, outputs], padded: the last for a row that is not kept. So are `scales`, [slots + 1, 2, outputs]. */
  readonly said: Region;
  readonly scales: Region;
  readonly naive: Region;
  readonly mean: Region;
  readonly deviation: Region;
  readonly prediction: Region;
  readonly label: Region;
  readonly weights: Region;
  readonly sums: Region;
  readonly factors: Region;
  readonly numbers: Region;
  readonly words: readonly number[];
  /** Elements from the start of the arena to the end of this plan. */
  readonly floats: number;
}

/**
 * Lays out the mixture of a group, behind what there is already.
 *
 * @param experts naive predictor included
 * @param group offset of the group's words
 */
export function planMixture(spec: MixtureSpec, experts: number, group: number, floats: number): MixturePlan {
  const { outputs, slots, isClasses, factors } = spec;
  const space = new Space(0, floats);
  const ofOutputs = (name: string) => space.take(name, 'vector', [outputs]);
  const doubles = (name: string) => space.take(name, 'vector', [2 * pad4(outputs)]);
  const ofExperts = (name: string) => space.take(name, 'vector', [experts]);
  const regions = {
    mixture: space.take('mixture', 'words', [L.MIXTURE_WORDS]),
    said: space.take('said', 'dense', [slots + 1, pad4(experts) * pad4(outputs)]),
    scales: space.take('scales', 'dense', [slots + 1, 4 * pad4(outputs)]),
    naive: doubles('naive'),
    mean: doubles('mean'),
    deviation: doubles('deviation'),
    prediction: doubles('prediction'),
    label: doubles('label'),
    truth: ofOutputs('truth'),
    units: ofOutputs('units'),
    weights: ofExperts('weights'),
    sums: ofExperts('sums'),
    factors: space.take('factors', 'vector', [factors.length]),
    numbers: space.take('mixture numbers', 'vector', [L.MIXTURE_NUMBERS]),
  };
  const words = new Array<number>(L.MIXTURE_WORDS).fill(0);
  words[L.M_GROUP] = group;
  words[L.M_EXPERTS] = experts;
  words[L.M_OUTPUTS] = outputs;
  words[L.M_IS_CLASSES] = isClasses ? 1 : 0;
  words[L.M_SAID] = regions.said.offset;
  words[L.M_NAIVE] = regions.naive.offset;
  words[L.M_MEAN] = regions.mean.offset;
  words[L.M_DEVIATION] = regions.deviation.offset;
  words[L.M_PREDICTION] = regions.prediction.offset;
  words[L.M_LABEL] = regions.label.offset;
  words[L.M_SCALES] = regions.scales.offset;
  words[L.M_TRUTH] = regions.truth.offset;
  words[L.M_UNITS] = regions.units.offset;
  words[L.M_WEIGHTS] = regions.weights.offset;
  words[L.M_SUMS] = regions.sums.offset;
  words[L.M_FACTORS] = regions.factors.offset;
  words[L.M_NUMBERS] = regions.numbers.offset;
  return Object.freeze({ ...regions, spec, experts, words: Object.freeze(words), floats: space.floats });
}
