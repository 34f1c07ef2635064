import type { ReplayMemory, RunningScaler, StateArray } from '../online/index.js';
import type { Memory } from '../spec/index.js';
import type { Learner } from './learner.js';
import type { TaskHead } from './task-head.js';

/** What a stream remembers, and what came of it. */
export interface MemoryReport {
  policy: Memory['policy'];
  /** Rows there is room for, and rows remembered. */
  capacity: number;
  rows: number;
  /** Remembered rows learned from after every row. */
  replay: number;
  /** Steps on remembered rows, and those refused because something was not finite. */
  replayed: number;
  skipped: number;
  bytes: number;
}

const MOST_REPLAYED = 1000;

const REPLAYED = 0;
const SKIPPED = 1;

/** After every row learned: a few remembered ones, drawn with equal chances, as they are standardised today. */
export class Replayer {
  /** [0]: remembered rows a row. Decided once: by the configuration, or by who measured what fits a budget. */
  private readonly replay: Int32Array;
  private readonly counts = new Float64Array(2);
  private readonly values: Float64Array;
  private readonly label: Float64Array;

  constructor(
    private readonly memory: ReplayMemory,
    replay: number,
    private readonly learner: Learner,
    private readonly scaler: RunningScaler,
    private readonly head: TaskHead,
  ) {
    this.replay = Int32Array.of(replay);
    this.values = new Float64Array(memory.inputs);
    this.label = new Float64Array(memory.width);
  }

  /**
   * Learns remembered rows, then offers the row that was learned: `raw` at `rawOff`, its label at `labelOff`.
   *
   * @hot
   */
  afterStep(raw: Float32Array, rawOff: number, labels: Float64Array, labelOff: number): void {
    const { memory, learner, scaler, head, values, label, counts, replay } = this;
    const { input, target } = learner.network;
    for (let k = 0; k < replay[0]; k++) {
      const place = memory.draw();
      if (place < 0) break;
      memory.read(place, values, label);
      scaler.standardise(input, values, 0);
      head.writeTarget(target, label, 0);
      const outcome = learner.replay() ? REPLAYED : SKIPPED;
      counts[outcome] = counts[outcome] + 1;
    }
    memory.offer(raw, rawOff, labels, labelOff);
  }

  report(): MemoryReport {
    const { memory, replay, counts } = this;
    const { capacity, policy, inputs, width } = memory;
    return {
      policy,
      capacity,
      rows: memory.size,
      replay: replay[0],
      replayed: counts[REPLAYED],
      skipped: counts[SKIPPED],
      bytes: 4 * capacity * (inputs + width),
    };
  }

  /** A kept number of replayed rows is one a configuration may hold. */
  refresh(): void {
    const { replay } = this;
    replay[0] = Math.max(0, Math.min(MOST_REPLAYED, replay[0]));
  }

  state(prefix: string): StateArray[] {
    return [...this.memory.state(prefix), { name: `${prefix}.replay`, shape: [1], data: this.replay }];
  }

  scores(prefix: string): StateArray[] {
    return [{ name: `${prefix}.counts`, shape: [2], data: this.counts }];
  }
}
