import { layout as L, pad4 } from '../plan/index.js';
import { sum4 } from './dense.js';
import { expNonPositive } from './math.js';

// The mixture of a race. Experts o_k: networks, trackers and, as the last, the naive predictor, each with `outputs` numbers: in
// deviations d of the target from its mean m, float64, or probabilities of classes (m = 0, d = 1). A naive prediction n is
// (n − m)/d. With m', d' as they were when the row was predicted, and its label t, y = (t − m')·(1/d) and unit = d'·(1/d):
//
//     loss_k = mean over outputs of min(|o_k·unit − y|, limit)    or, of classes,    min(Σ (o_k − y)², limit)
//     sum_k ← memory · sum_k + loss_k,    w_k ∝ exp(−rate · sum_k),    what is predicted: m + d · Σ w_k · o_k

const f = Math.fround;

/** Adding and subtracting it makes what lies below 2⁻⁸⁴ zero. */
const ROUNDING = 2 ** -60;
/** A tracker's output for a class counts as at least this. */
const LEAST_OUTPUT = f(0.001);

const lanes = new Float32Array(4);

/** What runs the words of a mixture over an arena. Every function takes their element offset. */
export function createReferenceMixture(buffer: ArrayBuffer) {
  const mem = new Float32Array(buffer);
  const words = new Int32Array(buffer);
  const doubles = new Float64Array(buffer);

  const numberOf = (mixture: number, i: number) => mem[words[mixture + L.M_NUMBERS] + i];
  const groupOf = (mixture: number) => words[mixture + L.M_GROUP];
  const headerOf = (mixture: number, k: number) => words[groupOf(mixture) + L.G_HEADERS + k];

  /** Element offset of what expert k said of the row in a slot. */
  function saidOf(mixture: number, slot: number, k: number): number {
    const experts = words[mixture + L.M_EXPERTS];
    return words[mixture + L.M_SAID] + (slot * pad4(experts) + k) * pad4(words[mixture + L.M_OUTPUTS]);
  }

  const isTracker = (mixture: number, k: number) =>
    k >= words[groupOf(mixture) + L.G_COUNT] && k < words[mixture + L.M_EXPERTS] - 1;

  /** Element offset of what expert k says of the row; the naive predictor's is in another scale. */
  function outputOf(mixture: number, k: number): number {
    const networks = words[groupOf(mixture) + L.G_COUNT];
    if (k < networks) {
      const header = headerOf(mixture, k);
      return words[words[header + L.H_OPS] + (words[header + L.H_OP_COUNT] - 1) * L.OP_WORDS + L.L_A];
    }
    const bank = words[groupOf(mixture) + L.G_BANK];
    return words[bank + L.BANK_WORDS + (k - networks) * L.TRACKER_WORDS + L.T_OUTPUT];
  }

  /** Index in `doubles` of the means kept in a slot; the deviations are behind them. */
  const scaleOf = (mixture: number, slot: number) =>
    words[mixture + L.M_SCALES] / 2 + slot * 2 * pad4(words[mixture + L.M_OUTPUTS]);

  /** Value c of one of the float64 arrays. */
  const doubleOf = (mixture: number, array: number, c: number) => doubles[words[mixture + array] / 2 + c];

  const near = (v: number) => f(Math.max(-L.MIXTURE_FARTHEST, Math.min(L.MIXTURE_FARTHEST, v)));

  /** Σ of x(i) for i in 0 … n, by lanes. */
  function laneSum(n: number, x: (i: number) => number): number {
    lanes.fill(0);
    for (let i = 0; i < n; i++) lanes[i & 3] = f(lanes[i & 3] + x(i));
    return sum4(lanes);
  }

  /** Outputs of a tracker as probabilities: cut to 0.001 … 1, squared, because least squares of classes stays too close to the middle. */
  function makeProbabilities(mixture: number, said: number): void {
    const n = words[mixture + L.M_OUTPUTS];
    const centre = numberOf(mixture, L.MN_CENTRE);
    for (let c = 0; c < n; c++) {
      const p = Math.max(LEAST_OUTPUT, Math.min(1, f(mem[said + c] + centre)));
      mem[said + c] = p * p;
    }
    const total = laneSum(n, (c) => mem[said + c]);
    for (let c = 0; c < n; c++) mem[said + c] = mem[said + c] / total;
  }

  /** w from sums. @hot */
  function weighMixture(mixture: number): void {
    const experts = words[mixture + L.M_EXPERTS];
    const sums = words[mixture + L.M_SUMS];
    const weights = words[mixture + L.M_WEIGHTS];
    let least = mem[sums];
    for (let k = 1; k < experts; k++) least = Math.min(least, mem[sums + k]);
    for (let k = 0; k < experts; k++) {
      const x = f(f(least - mem[sums + k]) * numberOf(mixture, L.MN_RATE));
      mem[weights + k] = x >= -L.MIXTURE_REACH ? expNonPositive(x) : 0;
    }
    const share = f(1 / laneSum(experts, (k) => mem[weights + k]));
    for (let k = 0; k < experts; k++) mem[weights + k] = mem[weights + k] * share;
  }

  return {
    /** Keeps in a slot what everybody says of the row. What is not finite counts as 0. */
    keepSaid(mixture: number, slot: number): void {
      const n = words[mixture + L.M_OUTPUTS];
      const naive = words[mixture + L.M_EXPERTS] - 1;
      for (let k = 0; k < naive; k++) {
        const from = outputOf(mixture, k);
        const said = saidOf(mixture, slot, k);
        for (let c = 0; c < n; c++) mem[said + c] = Number.isFinite(mem[from + c]) ? mem[from + c] : 0;
        if (words[mixture + L.M_IS_CLASSES] === 1 && isTracker(mixture, k)) makeProbabilities(mixture, said);
      }
      const scale = scaleOf(mixture, slot);
      for (let c = 0; c < n; c++) {
        const mean = doubleOf(mixture, L.M_MEAN, c);
        const deviation = doubleOf(mixture, L.M_DEVIATION, c);
        mem[saidOf(mixture, slot, naive) + c] = near((doubleOf(mixture, L.M_NAIVE, c) - mean) / deviation);
        doubles[scale + c] = mean;
        doubles[scale + pad4(n) + c] = deviation;
      }
    },

    /** m + d · Σ w·o of what is kept in a slot. */
    mixSaid(mixture: number, slot: number, isNaiveOut: boolean): void {
      const weights = words[mixture + L.M_WEIGHTS];
      const naive = words[mixture + L.M_EXPERTS] - 1;
      let others = 0;
      for (let k = 0; k < naive; k++) others = f(others + mem[weights + k]);
      const isOut = isNaiveOut && others > 0;
      const scale = isOut ? f(1 / others) : 1;
      for (let c = 0; c < words[mixture + L.M_OUTPUTS]; c++) {
        let total = 0;
        for (let k = 0; k < (isOut ? naive : naive + 1); k++) {
          total = f(total + f(mem[weights + k] * mem[saidOf(mixture, slot, k) + c]));
        }
        const mixed = f(total * scale);
        doubles[words[mixture + L.M_PREDICTION] / 2 + c] =
          doubleOf(mixture, L.M_MEAN, c) + mixed * doubleOf(mixture, L.M_DEVIATION, c);
      }
    },

    judgeMixture(mixture: number, slot: number): void {
      const n = words[mixture + L.M_OUTPUTS];
      const isClasses = words[mixture + L.M_IS_CLASSES] === 1;
      const truth = words[mixture + L.M_TRUTH];
      const units = words[mixture + L.M_UNITS];
      const scale = scaleOf(mixture, slot);
      for (let c = 0; c < n; c++) {
        const share = 1 / doubleOf(mixture, L.M_DEVIATION, c);
        mem[truth + c] = near((doubleOf(mixture, L.M_LABEL, c) - doubles[scale + c]) * share);
        mem[units + c] = near(doubles[scale + pad4(n) + c] * share);
      }
      const limit = numberOf(mixture, L.MN_LIMIT);
      const memory = numberOf(mixture, L.MN_MEMORY);
      for (let k = 0; k < words[mixture + L.M_EXPERTS]; k++) {
        const said = saidOf(mixture, slot, k);
        const total = laneSum(n, (c) => {
          const error = f((isClasses ? mem[said + c] : f(mem[said + c] * mem[units + c])) - mem[truth + c]);
          return isClasses ? f(error * error) : Math.min(Math.abs(error), limit);
        });
        const loss = Math.min(f(total * numberOf(mixture, L.MN_SHARE)), limit);
        const at = words[mixture + L.M_SUMS] + k;
        mem[at] = f(f(f(mem[at] * memory) + loss) + ROUNDING) - ROUNDING;
      }
      mem[words[mixture + L.M_NUMBERS] + L.MN_MASS] = f(numberOf(mixture, L.MN_MASS) * memory) + 1;
      weighMixture(mixture);
    },

    softenMixture(mixture: number): void {
      const x = words[headerOf(mixture, 0) + L.H_INPUT];
      const length = laneSum(words[headerOf(mixture, 0) + L.H_INPUTS], (i) => f(mem[x + i] * mem[x + i]));
      const long = f(length + numberOf(mixture, L.MN_OTHERS));
      for (let k = 0; k < words[groupOf(mixture) + L.G_COUNT]; k++) {
        const factor = mem[words[mixture + L.M_FACTORS] + k];
        mem[words[headerOf(mixture, k) + L.H_ROW_WEIGHTS]] = 1 / f(1 + f(factor * long));
      }
    },

    /** The target of the trackers, from that of the networks. */
    centreTarget(mixture: number): void {
      const bank = words[groupOf(mixture) + L.G_BANK];
      if (bank === 0) return;
      const from = words[headerOf(mixture, 0) + L.H_TARGET];
      for (let c = 0; c < words[mixture + L.M_OUTPUTS]; c++) {
        mem[words[bank + L.B_TARGET] + c] = mem[from + c] - numberOf(mixture, L.MN_CENTRE);
      }
    },

    weighMixture,
  };
}
