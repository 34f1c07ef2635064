import { ReplayMemory, type RunningScaler, type StateArray } from '../online/index.js';
import type { Memory, Monitor } from '../spec/index.js';
import { ForgettingMonitor, type MonitorReport } from './forgetting-monitor.js';
import type { Learner } from './learner.js';
import { type MemoryReport, Replayer } from './replayer.js';
import type { HeadKind, TaskHead } from './task-head.js';

/** What a stream is to do against forgetting. */
export interface RetentionSpec {
  memory: Memory | undefined;
  monitor: Monitor | undefined;
}

const RAW = 'pending raw';
const MEMORY = 'memory';
const PROBE = 'probe';

/** Seeds of what is drawn differ from those of weights and from each other. */
const MEMORY_SEED = 0x6d656d6f;
const PROBE_SEED = 0x70726f62;

/** Whether rows are needed as they were before they were standardised. */
export function needsRaw({ memory, monitor }: RetentionSpec): boolean {
  return memory !== undefined || monitor !== undefined;
}

/** The regions of a track's arena in which rows lie, by name. */
export function regionsOf(spec: RetentionSpec, slots: number, inputs: number, width: number): Record<string, number> {
  const { memory, monitor } = spec;
  return {
    ...(needsRaw(spec) ? { [RAW]: slots * inputs } : {}),
    ...(memory === undefined ? {} : { [MEMORY]: memory.rows * (inputs + width) }),
    ...(monitor === undefined ? {} : { [PROBE]: monitor.rows * (inputs + width) }),
  };
}

/** What one track does against forgetting: rows that wait are kept as they were measured, remembered, learned again, held out. */
export class Retention {
  private readonly inputs: number;
  private readonly current: Float64Array;
  /** [slots, inputs], as measured. */
  private readonly raw: Float32Array;
  private readonly slots: number;
  private readonly replayer: Replayer | undefined;
  private readonly monitor: ForgettingMonitor | undefined;

  /** @param isAlone no other track standardises features by the same scaler */
  constructor(
    learner: Learner,
    head: TaskHead,
    slots: number,
    isAlone: boolean,
    {
      kind,
      inputs,
      scaler,
      raw,
      seed,
      retention,
    }: {
      kind: HeadKind;
      inputs: number;
      scaler: RunningScaler;
      raw: Float64Array;
      seed: number;
      retention: RetentionSpec;
    },
  ) {
    const { memory, monitor } = retention;
    const { network } = learner;
    const { width } = head;
    this.inputs = inputs;
    this.current = raw;
    this.slots = slots;
    this.raw = network.region(RAW).subarray(0, slots * inputs);
    if (memory !== undefined) {
      const remembered = new ReplayMemory({
        capacity: memory.rows,
        policy: memory.policy,
        inputs,
        width,
        classes: kind === 'classify' ? head.outputs : 0,
        seed: (seed ^ MEMORY_SEED) >>> 0,
        rows: network.region(MEMORY),
      });
      this.replayer = new Replayer(remembered, memory.replay, learner, scaler, head);
    }
    if (monitor !== undefined) {
      const probe = new ReplayMemory({
        capacity: monitor.rows,
        policy: 'reservoir',
        inputs,
        width,
        seed: (seed ^ PROBE_SEED) >>> 0,
        rows: network.region(PROBE),
      });
      // One of several tracks goes by the scale of features that they share as it is.
      const scalers = [...(isAlone ? scaler.state('features') : []), ...head.scale('targets')];
      this.monitor = new ForgettingMonitor(monitor, kind, probe, learner, scaler, head, scalers, () => {
        scaler.refresh();
        head.refresh();
      });
    }
  }

  /** Keeps the current row, in the slot where it waits for its label. @hot */
  keep(slot: number): void {
    const { inputs, raw, current } = this;
    for (let i = 0, off = slot * inputs; i < inputs; i++, off++) raw[off] = current[i];
  }

  /** Whether a row whose label has come is held out of learning. @hot */
  hold(slot: number, labels: Float64Array, labelOff: number): boolean {
    const { monitor, inputs, raw } = this;
    return monitor?.hold(raw, slot * inputs, labels, labelOff) === true;
  }

  /** After a row was learned: learns remembered ones, and offers this one to the memory. @hot */
  afterStep(slot: number, labels: Float64Array, labelOff: number): void {
    this.replayer?.afterStep(this.raw, slot * this.inputs, labels, labelOff);
  }

  /** After a row whose label has come, learned or not. @returns 0, FORGOTTEN, or FORGOTTEN | ROLLED_BACK @hot */
  afterRow(): number {
    return this.monitor === undefined ? 0 : this.monitor.afterRow();
  }

  report(): { memory?: MemoryReport; monitor?: MonitorReport } {
    const { replayer, monitor } = this;
    return {
      ...(replayer === undefined ? {} : { memory: replayer.report() }),
      ...(monitor === undefined ? {} : { monitor: monitor.report() }),
    };
  }

  /** What decides about later predictions. */
  state(): StateArray[] {
    return [
      { name: 'stream.pending.raw', shape: [this.slots, this.inputs], data: this.raw },
      ...(this.replayer?.state('stream.memory') ?? []),
      ...(this.monitor?.state('stream.monitor') ?? []),
    ];
  }

  scores(): StateArray[] {
    return this.replayer?.scores('stream.scores.memory') ?? [];
  }

  refresh(): void {
    this.replayer?.refresh();
  }
}
