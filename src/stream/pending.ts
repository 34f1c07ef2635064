import type { StateArray } from '../online/index.js';

/** The row's features were there and the network has predicted from them. */
export const HAS_FEATURES = 1;
/** The row carries a label. */
export const HAS_LABEL = 2;
/** The row has had its label from outside the rows. */
export const HAS_OUTSIDE_LABEL = 4;

/**
 * The last max(delay + labelAge, labelWait) + 1 rows of the device, one slot each: what was predicted and what label was printed.
 * Lost and quarantined rows take a slot too, with no flag set, because labels are counted in rows of the device.
 */
export class PendingRows {
  readonly slots: number;
  /** [slots, inputs], as the network saw them. */
  readonly features: Float32Array;
  /** [slots, width], un-scaled. */
  readonly predictions: Float64Array;
  /** [slots, width]: the latest label known when the row was predicted. */
  readonly baselines: Float64Array;
  /** [slots, width]: printed in the row. */
  readonly labels: Float64Array;
  /** [slots]: HAS_FEATURES | HAS_LABEL | HAS_OUTSIDE_LABEL. */
  readonly flags: Int32Array;
  /** [slots]: 1 where the prediction waits to be scored: finite, past warm-up, with a baseline to compare with. */
  readonly isScorable: Int32Array;
  /** [0]: the slot of the current row. */
  private readonly position = new Int32Array(1);

  /** @param features a region of the network's arena of slots × inputs */
  constructor(
    slots: number,
    readonly inputs: number,
    readonly width: number,
    features: Float32Array,
  ) {
    this.slots = slots;
    this.features = features.subarray(0, slots * inputs);
    this.predictions = new Float64Array(slots * width);
    this.baselines = new Float64Array(slots * width);
    this.labels = new Float64Array(slots * width);
    this.flags = new Int32Array(slots);
    this.isScorable = new Int32Array(slots);
  }

  /** Takes the oldest slot for a new row, empty. @hot */
  advance(): number {
    const { position } = this;
    const next = position[0] + 1;
    const slot = next === this.slots ? 0 : next;
    position[0] = slot;
    this.flags[slot] = 0;
    this.isScorable[slot] = 0;
    return slot;
  }

  /** The slot of the row `age` rows ago, 0 … slots − 1; 0 is the current row. @hot */
  slotOf(age: number): number {
    const slot = this.position[0] - age;
    return slot < 0 ? slot + this.slots : slot;
  }

  /** Forgets every row. @hot */
  clear(): void {
    this.flags.fill(0);
    this.isScorable.fill(0);
  }

  /** What decides about later predictions. */
  state(prefix: string): StateArray[] {
    const { slots, inputs, width } = this;
    return [
      { name: `${prefix}.features`, shape: [slots, inputs], data: this.features },
      { name: `${prefix}.labels`, shape: [slots, width], data: this.labels },
      { name: `${prefix}.flags`, shape: [slots], data: this.flags },
      { name: `${prefix}.position`, shape: [1], data: this.position },
    ];
  }

  /** What was predicted, as it was published. */
  published(prefix: string): StateArray[] {
    return [{ name: `${prefix}.predictions`, shape: [this.slots, this.width], data: this.predictions }];
  }

  /** What only the scores need. */
  scores(prefix: string): StateArray[] {
    const { slots, width } = this;
    return [
      ...this.published(prefix),
      { name: `${prefix}.baselines`, shape: [slots, width], data: this.baselines },
      { name: `${prefix}.isScorable`, shape: [slots], data: this.isScorable },
    ];
  }
}
