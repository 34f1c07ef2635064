import type { WeightSpan } from '../engine/index.js';
import type { StateArray } from './state.js';

/** Online elastic weight consolidation (Schwarz et al. 2018, "Progress & Compress"). */
export interface EwcSpec {
  kind: 'ewc';
  /** λ */
  strength: number;
  /** Steps after which what was learned is consolidated, as at the end of a task. */
  interval: number;
  /** γ: what is left of older importances after an interval. */
  keep: number;
}

/** Synaptic intelligence (Zenke, Poole & Ganguli 2017). */
export interface SiSpec {
  kind: 'si';
  /** c */
  strength: number;
  interval: number;
  /** ξ */
  damping: number;
}

export type ResolvedConsolidation = EwcSpec | SiSpec;

/** What is gathered of one weight stays below this, and the pull on it, so that all of it is finite in float32. */
const MOST = 1e30;
const MOST_PULL = 1e12;
/** Importances below 2⁻¹⁰⁰ are none: nothing decays into the subnormals. */
const LEAST = 2 ** -100;

// `counts`: steps of this interval, intervals consolidated, the largest |θ*|.
const STEPS = 0;
const INTERVALS = 1;
const PEAK = 2;

/**
 * Holds weights to where they were when they were important. With θ* the weights at the end of the last interval and Ω their
 * importances, every step is followed by a proximal step on the penalty ½·k·(θ − θ*)², k = η·λ·Ω (ewc) or η·2c·Ω (si):
 *
 *     θ ← (θ + k·θ*) / (1 + k)
 *
 * which no strength can make overshoot. Gathered over an interval, with g the gradient of the row's loss and Δθ its step:
 *
 *     ewc:  F = mean of g²        Ω ← γ·Ω + F
 *     si:   ω = −Σ g·Δθ           Ω ← Ω + max(ω, 0) / ((θ − θ*)² + ξ)
 *
 * then θ* ← θ. A step costs one pass over the weights, about as much as the step of a small network itself; the memory is three
 * numbers a weight (si: four).
 */
export class Consolidation {
  /** [size] each: Ω, θ*, and F · steps or ω of the interval. */
  private readonly importance: Float32Array;
  private readonly anchor: Float32Array;
  private readonly gathered: Float32Array;
  /** [size]: θ before the step; of si. */
  private readonly before: Float32Array;
  /** [1]: λ, or 2c. */
  private readonly strength: Float64Array;
  private readonly counts = new Float64Array(3);

  /** @param span of a network of m = 1 whose plan keeps gradients */
  constructor(
    private readonly span: WeightSpan,
    private readonly spec: ResolvedConsolidation,
  ) {
    const size = span.values.length;
    this.importance = new Float32Array(size);
    this.anchor = new Float32Array(size);
    this.gathered = new Float32Array(size);
    this.before = new Float32Array(spec.kind === 'si' ? size : 0);
    this.strength = Float64Array.of(spec.strength * (spec.kind === 'si' ? 2 : 1));
    span.settle();
    this.anchor.set(span.values);
  }

  /** Intervals consolidated so far. */
  get consolidated(): number {
    return this.counts[INTERVALS];
  }

  /** @hot */
  beforeStep(): void {
    if (this.spec.kind !== 'si') return;
    this.span.settle();
    this.before.set(this.span.values);
  }

  /** After a step that was taken, with η of weights for all parameters. @hot */
  afterStep(): void {
    const { span, spec, counts } = this;
    if (!(span.rowWeights[0] > 0)) return;
    span.settle();
    if (spec.kind === 'ewc') this.gatherSquares();
    else this.gatherContributions();
    this.drawBack();
    span.moved(counts[PEAK]);
    counts[STEPS] = counts[STEPS] + 1;
    if (counts[STEPS] >= spec.interval) this.consolidate();
  }

  /** Adds g² of an unweighted row. @hot */
  private gatherSquares(): void {
    const { gathered } = this;
    const { gradient, rowWeights } = this.span;
    const weight = rowWeights[0];
    const scale = 1 / (weight * weight);
    for (let i = 0; i < gathered.length; i++) {
      gathered[i] = Math.min(gathered[i] + scale * gradient[i] * gradient[i], MOST);
    }
  }

  /** Adds −g·Δθ of an unweighted row. @hot */
  private gatherContributions(): void {
    const { gathered, before } = this;
    const { gradient, values, rowWeights } = this.span;
    const scale = 1 / rowWeights[0];
    for (let i = 0; i < gathered.length; i++) {
      const sum = gathered[i] + scale * gradient[i] * (before[i] - values[i]);
      gathered[i] = Math.max(-MOST, Math.min(sum, MOST));
    }
  }

  /** The proximal step. @hot */
  private drawBack(): void {
    const { importance, anchor, strength } = this;
    const { values, rates } = this.span;
    const pull = rates[0] * strength[0];
    for (let i = 0; i < values.length; i++) {
      const k = Math.min(pull * importance[i], MOST_PULL);
      if (k > 0) values[i] = (values[i] + k * anchor[i]) / (1 + k);
    }
  }

  /** The end of an interval. */
  private consolidate(): void {
    const { span, spec, importance, anchor, gathered, counts } = this;
    const { values } = span;
    let peak = 0;
    for (let i = 0; i < values.length; i++) {
      const moved = values[i] - anchor[i];
      const next =
        spec.kind === 'ewc'
          ? spec.keep * importance[i] + gathered[i] / counts[STEPS]
          : importance[i] + Math.max(gathered[i], 0) / (moved * moved + spec.damping);
      importance[i] = next < LEAST ? 0 : Math.min(next, MOST);
      anchor[i] = values[i];
      gathered[i] = 0;
      const magnitude = values[i] < 0 ? -values[i] : values[i];
      if (magnitude > peak) peak = magnitude;
    }
    counts[STEPS] = 0;
    counts[INTERVALS] = counts[INTERVALS] + 1;
    counts[PEAK] = peak;
  }

  /** Everything it goes by. */
  state(prefix: string): StateArray[] {
    const shape = [this.anchor.length];
    return [
      { name: `${prefix}.importance`, shape, data: this.importance },
      { name: `${prefix}.anchor`, shape, data: this.anchor },
      { name: `${prefix}.gathered`, shape, data: this.gathered },
      { name: `${prefix}.counts`, shape: [3], data: this.counts },
    ];
  }
}
