import { Random } from '../engine/index.js';
import type { StateArray } from './state.js';

export type ReplayPolicy = 'reservoir' | 'balanced' | 'ring';

export interface ReplayMemoryOptions {
  /** Rows there is room for, ≥ 1. */
  capacity: number;
  policy: ReplayPolicy;
  /** Values of a row and of its label. */
  inputs: number;
  width: number;
  /** Of `balanced`: how many classes a label, which is then one whole number, may be. */
  classes?: number;
  /** Of what is drawn, 0 … 2³² − 1. */
  seed: number;
  /** capacity · (inputs + width) elements of an arena, where rows lie. */
  rows: Float32Array;
}

/**
 * Rows with their labels, to be learned from again. Room for a fixed number; who stays when it is full:
 *
 * - `reservoir`: every row ever offered with equal chances (algorithm R, Vitter 1985).
 * - `balanced`: about as many rows of each class, and within a class every one with equal chances: class-balancing reservoir
 *   sampling (Chrysakis & Moens 2020). A class that has once been the largest is full; a row of one that is not takes the place
 *   of a row of the largest.
 * - `ring`: the last rows offered.
 *
 * Rows are kept as they are measured, not as they were standardised: scales may move.
 */
export class ReplayMemory {
  readonly capacity: number;
  readonly policy: ReplayPolicy;
  readonly inputs: number;
  readonly width: number;
  /** [capacity, inputs + width] */
  private readonly rows: Float32Array;
  private readonly random: Random;
  /** [2]: rows kept, and of `ring` the place of the next. */
  private readonly places = new Int32Array(2);
  /** [0]: rows offered. */
  private readonly offered = new Float64Array(1);
  // Of `balanced`, for each class: rows offered, rows kept, and 1 once it has been the largest.
  private readonly classOffered: Float64Array;
  private readonly classKept: Int32Array;
  private readonly isFull: Int32Array;

  constructor({ capacity, policy, inputs, width, classes = 0, seed, rows }: ReplayMemoryOptions) {
    this.capacity = capacity;
    this.policy = policy;
    this.inputs = inputs;
    this.width = width;
    this.rows = rows.subarray(0, capacity * (inputs + width));
    this.random = new Random(seed);
    const counted = policy === 'balanced' ? classes : 0;
    this.classOffered = new Float64Array(counted);
    this.classKept = new Int32Array(counted);
    this.isFull = new Int32Array(counted);
  }

  /** Rows it holds, the first ones of `capacity`. */
  get size(): number {
    return this.places[0];
  }

  /** Rows it was offered. */
  get seen(): number {
    return this.offered[0];
  }

  /** Of `balanced`: how many rows of a class it holds. */
  countOf(label: number): number {
    return this.classKept[label];
  }

  /**
   * Offers a row; the policy decides whether it is kept, and which one goes.
   *
   * @param values [inputs] at `valuesOff`
   * @param label [width] at `labelOff`
   * @returns the place it was given, −1 where it was not kept
   * @hot
   */
  offer(values: Float32Array, valuesOff: number, label: Float64Array, labelOff: number): number {
    const { inputs, width, rows } = this;
    const place = this.placeFor(label[labelOff]);
    if (place < 0) return -1;
    let to = place * (inputs + width);
    for (let i = 0; i < inputs; i++, to++) rows[to] = values[valuesOff + i];
    for (let i = 0; i < width; i++, to++) rows[to] = label[labelOff + i];
    return place;
  }

  /** A place drawn with equal chances among the rows kept, −1 where there is none. @hot */
  draw(): number {
    const { places } = this;
    return places[0] === 0 ? -1 : this.random.pick(places[0], places[0]);
  }

  /** Copies the row at a place to `values` [inputs] and `label` [width]. @hot */
  read(place: number, values: Float64Array, label: Float64Array): void {
    const { inputs, width, rows } = this;
    let from = place * (inputs + width);
    for (let i = 0; i < inputs; i++, from++) values[i] = rows[from];
    for (let i = 0; i < width; i++, from++) label[i] = rows[from];
  }

  /** @hot */
  private placeFor(label: number): number {
    const { capacity, places, offered, policy } = this;
    offered[0] = offered[0] + 1;
    if (policy === 'balanced') return this.balancedPlace(label);
    if (places[0] < capacity) return this.grow();
    if (policy === 'reservoir') return this.random.pick(offered[0], capacity);
    const next = places[1];
    places[1] = next + 1 === capacity ? 0 : next + 1;
    return next;
  }

  /** @hot */
  private grow(): number {
    const place = this.places[0];
    this.places[0] = place + 1;
    return place;
  }

  /** @hot */
  private balancedPlace(label: number): number {
    const { capacity, places, classOffered, classKept, isFull, random } = this;
    classOffered[label] = classOffered[label] + 1;
    if (places[0] < capacity) {
      classKept[label] = classKept[label] + 1;
      return this.grow();
    }
    let largest = 0;
    for (let c = 0; c < classKept.length; c++) if (classKept[c] > largest) largest = classKept[c];
    let ties = 0;
    for (let c = 0; c < classKept.length; c++) {
      if (classKept[c] !== largest) continue;
      isFull[c] = 1;
      ties++;
    }
    if (isFull[label] === 1) {
      // A reservoir of its own.
      const nth = random.pick(classOffered[label], classKept[label]);
      return nth < 0 ? -1 : this.placeOf(label, nth);
    }
    let tie = random.pick(ties, ties);
    let other = 0;
    while (other < classKept.length - 1 && (classKept[other] !== largest || tie-- > 0)) other++;
    const place = this.placeOf(other, random.pick(largest, largest));
    classKept[other] = largest - 1;
    classKept[label] = classKept[label] + 1;
    return place;
  }

  /** The place of the nth row of a class. @hot */
  private placeOf(label: number, nth: number): number {
    const { inputs, width, rows, places } = this;
    const last = places[0] - 1;
    const stride = inputs + width;
    let left = nth;
    let place = 0;
    while (place < last && (rows[place * stride + inputs] !== label || left-- > 0)) place++;
    return place;
  }

  /** Everything it goes by. */
  state(prefix: string): StateArray[] {
    const { capacity, inputs, width, classKept } = this;
    const classes = [classKept.length];
    return [
      { name: `${prefix}.rows`, shape: [capacity, inputs + width], data: this.rows },
      { name: `${prefix}.random`, shape: [4], data: this.random.words },
      { name: `${prefix}.places`, shape: [2], data: this.places },
      { name: `${prefix}.offered`, shape: [1], data: this.offered },
      { name: `${prefix}.classOffered`, shape: classes, data: this.classOffered },
      { name: `${prefix}.classKept`, shape: classes, data: this.classKept },
      { name: `${prefix}.isFull`, shape: classes, data: this.isFull },
    ];
  }
}
