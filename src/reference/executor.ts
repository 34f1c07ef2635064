import { layout as L } from '../plan/index.js';
import { openArena } from './arena.js';
import { BOUND_TO_KEEP, LARGEST, moveOf } from './bounds.js';
import { createReferenceMixture } from './mixture.js';
import { createParameterPasses } from './parameters.js';
import { createPasses } from './passes.js';
import { createReferenceTrackers } from './tracker.js';

/**
 * Runs a plan's op records one readable function after the other: forward, loss, all deltas, whole gradients where the
 * plan keeps them, then the update. The simd executor does the same in fewer passes; both leave the same bits.
 *
 * @param buffer the arena; offsets in the plan count its 32-bit elements
 */
export function createReferenceExecutor(buffer: ArrayBuffer) {
  const arena = openArena(buffer);
  const { mem, words, counts, doubles } = arena;
  const { peaks, runForward, runLoss, runDeltas } = createPasses(arena);
  const { runGradients, scaleGradients, runUpdate, peakParameter } = createParameterPasses(arena);
  const moved = { bound: 0 };

  function refuse(state: number, reason: number): number {
    counts[state + reason]++;
    mem[state + L.S_LOSS] = Number.NaN;
    return Number.NaN;
  }

  /** Forward, loss and deltas. @returns J, or NaN where something is not finite (counted by reason) @hot */
  function evaluate(header: number): number {
    const state = words[header + L.H_STATE];
    runForward(header, true);
    if (!(peaks.input < Number.POSITIVE_INFINITY)) return refuse(state, L.S_REFUSED_INPUT);
    // An infinite activation is refused even where a bounded layer above would hide it: what it multiplies is lost.
    if (!(peaks.activation < Number.POSITIVE_INFINITY)) return refuse(state, L.S_REFUSED_LOSS);
    const loss = runLoss(header);
    if (!Number.isFinite(loss)) return refuse(state, L.S_REFUSED_LOSS);
    runDeltas(header);
    if (!(peaks.delta < Number.POSITIVE_INFINITY)) return refuse(state, L.S_REFUSED_DELTA);
    return loss;
  }

  /**
   * Whether the gradient sums, and the update if one is due, stay within float32, whatever the numbers between; keeps
   * the bounds that follow from it.
   */
  function staysFinite(header: number, isNew: boolean, isDue: boolean): boolean {
    const state = words[header + L.H_STATE];
    const reach = peaks.delta * Math.max(peaks.activation, 1);
    const sum = (isNew ? 0 : mem[state + L.S_GRADIENT_BOUND]) + reach * words[header + L.H_EXAMPLES];
    if (!(sum <= LARGEST)) return false;
    if (isDue) {
      const optimizer = words[header + L.H_OPTIMIZER];
      const decay = mem[state + L.S_DECAY];
      const clip = Math.min(mem[state + L.S_CLIP_VALUE], mem[state + L.S_CLIP_NORM]);
      let bound = mem[state + L.S_PARAMETER_BOUND];
      if (!(bound <= BOUND_TO_KEEP)) bound = peakParameter(header);
      let g = Math.min(sum * mem[state + L.S_INVERSE_ROWS] * 1.000001, clip);
      if (optimizer !== L.OPTIMIZER_ADAMW) g += decay * bound;
      let rate = Math.max(mem[state + L.S_RATE], mem[state + L.S_BIAS_RATE]);
      const shrink = optimizer === L.OPTIMIZER_ADAMW ? rate * decay * bound : 0;
      if (optimizer >= L.OPTIMIZER_ADAM) {
        rate /= 1 - doubles[(state + L.S_BETA1_POWER) >> 1] * mem[state + L.S_MOMENTUM];
      }
      moved.bound = mem[state + L.S_STATE_BOUND];
      const move = moveOf(
        moved,
        optimizer,
        g,
        rate,
        mem[state + L.S_MOMENTUM],
        mem[state + L.S_EPSILON],
        mem[state + L.S_MOST_STEPS],
      );
      // Plain sgd multiplies η·a before δ.
      if (optimizer === L.OPTIMIZER_SGD && !(rate * Math.max(peaks.activation, 1) <= LARGEST)) return false;
      const largest = bound + move + shrink;
      if (!(largest <= LARGEST && moved.bound <= LARGEST)) return false;
      // Rounded up, so that a bound stays one: rounding is monotone, and so is each operation of the update.
      mem[state + L.S_PARAMETER_BOUND] = largest * 1.000001;
      mem[state + L.S_STATE_BOUND] = moved.bound * 1.000001;
    }
    mem[state + L.S_GRADIENT_BOUND] = sum * 1.000001;
    return true;
  }

  /** 1 where the step was taken, 0 where it was refused; the loss is left in S_LOSS. */
  function step(header: number): number {
    const state = words[header + L.H_STATE];
    const loss = evaluate(header);
    if (Number.isNaN(loss)) return 0;
    const accumulated = counts[state + L.S_ACCUMULATED];
    const isDue = accumulated + 1 >= words[header + L.H_ACCUMULATE];
    if (!staysFinite(header, accumulated === 0, isDue)) {
      refuse(state, L.S_REFUSED_UPDATE);
      return 0;
    }
    if (words[header + L.H_TO_GRADIENT] !== 0) runGradients(header, accumulated === 0);
    if (isDue) {
      if (words[header + L.H_TO_GRADIENT] !== 0) scaleGradients(header, mem[state + L.S_INVERSE_ROWS]);
      runUpdate(header);
    }
    counts[state + L.S_ACCUMULATED] = isDue ? 0 : accumulated + 1;
    mem[state + L.S_LOSS] = loss;
    if (++counts[state + L.S_STEPS] === 2 ** 32) counts[state + L.S_STEPS_HIGH]++;
    return 1;
  }

  /** Predicts; learns nothing. */
  function forward(header: number): void {
    runForward(header, false);
  }

  const trackers = createReferenceTrackers(buffer);
  const { keepSaid, mixSaid, centreTarget, ...mixture } = createReferenceMixture(buffer);

  /** `forward` of every network side by side, and `predictTrackers`. */
  function predictGroup(group: number): void {
    for (let k = 0; k < words[group + L.G_COUNT]; k++) forward(words[group + L.G_HEADERS + k]);
    if (words[group + L.G_BANK] !== 0) trackers.predictTrackers(words[group + L.G_BANK]);
  }

  /** `step` of every network side by side, and `learnTrackers`; how many steps were refused. */
  function learnGroup(group: number): number {
    let refused = 0;
    for (let k = 0; k < words[group + L.G_COUNT]; k++) {
      if (step(words[group + L.G_HEADERS + k]) === 0) refused++;
    }
    if (words[group + L.G_BANK] !== 0) trackers.learnTrackers(words[group + L.G_BANK]);
    return refused;
  }

  return {
    ...trackers,
    ...mixture,
    predictGroup,
    learnGroup,

    predictMixture(at: number, slot: number, isNaiveOut: number): void {
      predictGroup(words[at + L.M_GROUP]);
      keepSaid(at, slot);
      mixSaid(at, slot, isNaiveOut !== 0);
    },

    learnMixture(at: number): number {
      mixture.softenMixture(at);
      centreTarget(at);
      return learnGroup(words[at + L.M_GROUP]);
    },

    forward,

    /** J, with whole mean gradients left where the plan keeps them; learns nothing. */
    gradient(header: number): number {
      const loss = evaluate(header);
      if (Number.isNaN(loss)) return loss;
      runGradients(header, true);
      scaleGradients(header, mem[words[header + L.H_STATE] + L.S_INVERSE_EXAMPLES]);
      return loss;
    },

    step,

    /** The forward pass is made again, and leaves what is there. */
    stepForwarded: step,

    /** Nothing waits here: every update is made at once. */
    settle(): void {},

    /** `count` steps on the resident rows, in order; the sum of the losses. m = 1. */
    stepRows(header: number, count: number): number {
      const nIn = words[header + L.H_INPUTS];
      const nOut = words[header + L.H_TARGETS];
      let total = 0;
      for (let k = 0; k < count; k++) {
        const row = words[header + L.H_ROWS] + k * nIn;
        const target = words[header + L.H_ROW_TARGETS] + k * nOut;
        mem.copyWithin(words[header + L.H_INPUT], row, row + nIn);
        mem.copyWithin(words[header + L.H_TARGET], target, target + nOut);
        step(header);
        total += mem[words[header + L.H_STATE] + L.S_LOSS];
      }
      return total;
    },
  };
}
