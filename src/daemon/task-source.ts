import { Backlog, type BacklogSink, type ByteSource } from '../ingest/index.js';
import { SpecError } from '../spec/index.js';
import type { Config } from './config.js';
import type { Priority } from './journal.js';
import { isEqual } from './reload.js';
import type { LogPlayer, OpenedSource } from './source.js';

/** A log that was played has ended: everything it had has been learned from. */
export const END_OF_LOG = 'end of log';

export interface TaskSourceOptions {
  /** Opens where rows come from. @throws EdgegradError */
  open(config: Config): Promise<OpenedSource>;
  /** What runs the network, as is said with the source. */
  executor: string;
  /** A line for a person. */
  say(text: string, priority?: Priority): void;
  /** `buffer[0, length)` are the next bytes. */
  bytes(buffer: Uint8Array, length: number): void;
  /** Bytes come from now on. `isAgain`: they do not go on where the last ones ended. */
  opened(what: string, how: { isAgain: boolean; mayBeMidLine: boolean }): void;
  /** No bytes come until the next `opened`, if there is one. */
  closed(reason: string): void;
  /** Nothing more will come. */
  ended(reason: string): void;
}

/**
 * Where the rows of a task come from: a source that is opened, and may be exchanged for another, behind a queue for what
 * comes faster than it is learned; and, where a log is played, the device that plays it.
 */
export class TaskSource {
  isConnected = false;
  /** Why it does not open, though it is there; null where it does, or is not there. */
  problem: string | null = null;
  private opened: OpenedSource | null = null;
  /** What it was opened by. */
  private config: Config | null = null;
  /** Before the source that is open. */
  private backlog: Backlog | null = null;
  /** Who holds the source: what waits to be learned from, and outputs that are read too slowly. */
  private readonly holds = { backlog: false, outputs: false };
  /** It was there, or another one was. */
  private isLost = false;
  private isStopped = false;

  constructor(private readonly options: TaskSourceOptions) {}

  /** What a person should know about it: `/dev/ttyACM0 at 115200`; '' before it was opened. */
  get description(): string {
    return this.opened?.description ?? '';
  }

  /** For log lines: `serial:/dev/ttyACM0`. */
  get name(): string {
    return this.opened?.source.name ?? '';
  }

  /** What the source and its queue have counted. */
  counters(): Record<string, number> {
    return { ...this.opened?.source.counters(), ...this.backlog?.counters() };
  }

  /** Hands bytes to the device. Returns false where they could not be taken. */
  send(bytes: Uint8Array): boolean {
    return this.opened?.source.send(bytes) === true;
  }

  /** Holds back rows that lose nothing by waiting, or lets them come again. */
  hold(isHeld: boolean): void {
    this.holdBy('outputs', isHeld);
  }

  private holdBy(who: 'backlog' | 'outputs', isHeld: boolean): void {
    const { holds } = this;
    holds[who] = isHeld;
    this.opened?.source.hold?.(holds.backlog || holds.outputs);
  }

  /** Makes what `start` begins with. @throws EdgegradError */
  async open(config: Config): Promise<void> {
    this.opened = await this.options.open(config);
    this.config = config;
  }

  /**
   * Goes on as another configuration says: where that is another source, once what waits has been learned from, unless
   * `enough` has come before.
   *
   * @throws EdgegradError where it cannot be opened: then it goes back to the one before. SpecError where it is standard
   * input, which was not kept open for it
   */
  async change(config: Config, enough: Promise<unknown>): Promise<void> {
    if (isOpenedAlike(config.source, this.config!.source)) {
      this.config = config;
      this.backlog?.resize(1024 * config.source.queueKB);
    } else await this.exchange(config, enough);
  }

  private async exchange(config: Config, enough: Promise<unknown>): Promise<void> {
    const before = this.config!;
    if (config.source.port === '-') {
      throw new SpecError('CONFIG_SOURCE', {
        where: `${config.file}: source.port`,
        found: 'standard input, while the process runs',
        expected: 'a source that can be opened at any time',
        remedy: 'start again with it',
      });
    }
    await this.stop(enough);
    if (this.waitingBytes > 0) return; // the run ends, and what waits is seen to there
    await this.close();
    this.isStopped = false;
    this.isLost = true;
    try {
      await this.reopen(config);
    } catch (error) {
      await this.reopen(before);
      throw error;
    }
  }

  /** A device that is not there yet is no reason to end: it was configured on purpose. */
  private async reopen(config: Config): Promise<void> {
    await this.open({ ...config, source: { ...config.source, wait: true } });
    void this.start().catch((error: Error) => this.options.ended(error.message));
  }

  /** Resolves when bytes can come. @throws IngestError */
  async start(): Promise<void> {
    const { options } = this;
    const { source, description, device } = this.opened!;
    const waiting = setTimeout(() => options.say(`waits for ${description}`), 500);
    waiting.unref();
    this.holds.backlog = false;
    this.backlog = new Backlog({
      capacityBytes: 1024 * this.config!.source.queueKB,
      hold: source.hold === undefined ? undefined : (isHeld) => this.holdBy('backlog', isHeld),
      sink: this.sinkOf(this.opened!, () => clearTimeout(waiting)),
    });
    await source.start(this.backlog);
    if (device === undefined) return;
    device.start();
    if (device.totalBytes === undefined) return; // its terminal goes with it
    const { totalBytes } = device;
    device.finished
      .then(() => this.arrivalOf(source, totalBytes))
      .then(
        (isThere) => isThere && options.ended(END_OF_LOG),
        (error: Error) => options.ended(error.message),
      );
  }

  /** Ends it, once what waits has been learned from, or `enough` has come. */
  async stop(enough: Promise<unknown>): Promise<void> {
    this.isStopped = true;
    this.opened?.device?.stop();
    await this.opened?.source.stop();
    await this.backlog?.finish(enough);
  }

  /** What still waits after `stop`. */
  get waitingBytes(): number {
    return this.backlog?.counters().rxQueuedBytes ?? 0;
  }

  /** Hands on the next piece of it. Returns false where nothing waits. */
  next(): boolean {
    return this.backlog?.next() === true;
  }

  /** Counts it as dropped. */
  discard(): void {
    this.backlog?.discard();
  }

  /** Releases what is beside it. */
  async close(): Promise<void> {
    await this.opened?.close();
  }

  private sinkOf(
    { source, description, opensMidLine, endsItself, device }: OpenedSource,
    found: () => void,
  ): BacklogSink {
    const { options } = this;
    return {
      bytes: (buffer, length) => options.bytes(buffer, length),
      opened: (what) => {
        found();
        this.isConnected = true;
        this.problem = null;
        options.say(this.isLost ? `${what} is back` : `${description}; ${options.executor} executor`);
        options.opened(what, { isAgain: this.isLost, mayBeMidLine: opensMidLine });
      },
      refused: (problem) => {
        found();
        const isThere = problem.code !== 'INGEST_NOT_FOUND';
        this.problem = isThere ? problem.message : null;
        if (isThere) options.say(`${problem.message}; it is tried again`, 'warning');
        else options.say(`waits for ${description}`);
      },
      closed: (reason) => {
        this.isConnected = false;
        this.isLost = true;
        options.closed(reason);
        if (reason === 'stopped') return; // by us
        if (device !== undefined) this.endWith(device, reason);
        else if (endsItself) options.ended(reason === 'end of file' ? END_OF_LOG : reason);
        else options.say(`${source.name} is gone: ${reason}; waiting for it`, 'warning');
      },
      dropped: () => options.opened('bytes were dropped', { isAgain: true, mayBeMidLine: true }),
      overflowing: (isOverflowing, droppedBytes) => {
        if (isOverflowing) {
          options.say('rows come faster than they are learned: what finds no room is dropped', 'warning');
        } else options.say(`keeps up again: ${droppedBytes} bytes were dropped`, 'notice');
      },
    };
  }

  /** The terminal of a device that plays a log has gone: because the log has ended, or it was cut off. */
  private endWith(device: LogPlayer, reason: string): void {
    const { options } = this;
    if (device.totalBytes !== undefined) options.ended(reason);
    else
      device.finished.then(
        () => options.ended(END_OF_LOG),
        () => options.ended(reason),
      );
  }

  /**
   * Resolves when everything a device sent has been learned from; a cut before would lose what is on its way. Gives up
   * where nothing comes for five seconds. False: its source was stopped before.
   */
  private async arrivalOf(source: ByteSource, bytes: number): Promise<boolean> {
    for (let idleMs = 0, before = -1; idleMs < 5000; idleMs += 5) {
      if (this.isStopped || this.opened?.source !== source) return false;
      const { rxBytes, rxQueuedBytes } = this.counters();
      const done = rxBytes - rxQueuedBytes;
      if (done >= bytes) return true;
      if (done !== before) idleMs = 0;
      before = done;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return true;
  }
}

/** Whether a source is opened the same way by both; what else they say takes effect without. */
function isOpenedAlike(a: Config['source'], b: Config['source']): boolean {
  const opening = ({ wait, queueKB, rowPeriodS, output, ...rest }: Config['source']) => rest;
  return isEqual(opening(a), opening(b));
}
