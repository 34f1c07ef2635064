import type { WeightSpan } from '../engine/index.js';
import type { StateArray } from '../online/index.js';

/** What of a learner makes its predictions: the weights of its networks, and whatever else it has learned. Borrowed. */
export interface Knowledge {
  readonly spans: readonly WeightSpan[];
  readonly arrays: readonly StateArray[];
  /** Brings what is put off into the arrays, before they are read or written. @hot */
  settle?(): void;
}

/** A copy of knowledge, taken and put back without allocating anything. */
export class Snapshot {
  /** One for each of `lives`. */
  private readonly copies: StateArray['data'][];
  private readonly lives: StateArray['data'][];

  constructor(private readonly knowledge: Knowledge) {
    const { spans, arrays } = knowledge;
    this.lives = [
      ...spans.flatMap(({ values, states, powers }) => [values, states, powers]),
      ...arrays.map(({ data }) => data),
    ].filter(({ length }) => length > 0);
    this.copies = this.lives.map((live) => live.slice());
  }

  /** Bytes it takes. */
  get bytes(): number {
    return this.copies.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /** Copies what is known now. @hot */
  take(): void {
    const { copies, lives } = this;
    this.settle();
    for (let i = 0; i < lives.length; i++) copies[i].set(lives[i]);
  }

  /** Makes what was known then what is known now; scalers among it are to be refreshed. @hot */
  putBack(): void {
    const { copies, lives, knowledge } = this;
    this.settle();
    for (let i = 0; i < lives.length; i++) lives[i].set(copies[i]);
    for (let i = 0; i < knowledge.spans.length; i++) knowledge.spans[i].replaced();
  }

  private settle(): void {
    const { spans } = this.knowledge;
    this.knowledge.settle?.();
    for (let i = 0; i < spans.length; i++) spans[i].settle();
  }

  state(prefix: string): StateArray[] {
    return this.copies.map((data, i) => ({ name: `${prefix}.${i}`, shape: [data.length], data }));
  }
}
