import { ClockEstimator, type DeviceHello, type DeviceStats, HostEncoder, MAX_OUTPUT_VALUES } from '../bridge/index.js';
import type { Pipeline, PipelineEvents } from '../recording/index.js';
import { PREDICTED, type Stream } from '../stream/index.js';
import { oneLine } from './one-line.js';

const PING_MS = 5000;
const HELLO_REQUEST_MS = 1000;
/** Lines of the device that are said within a minute; the rest is counted. */
const LINES_A_MINUTE = 20;
const LEVELS = ['error', 'warning', 'info', 'debug'];

/** What is wanted of a device. */
export interface Wanted {
  /** Seconds between rows the host asks for; undefined leaves it to the device. */
  rowPeriodS: number | undefined;
  /** Whether every prediction is sent back. */
  output: boolean;
}

export interface DeviceLinkOptions {
  /** Hands bytes to the device; false where they could not be taken. */
  send(bytes: Uint8Array): boolean;
  /** A line for a person. */
  say(text: string): void;
  /** What is wanted of the device at first. */
  wanted: Wanted;
  /** Its pings are numbered from here on: other links to the same device have other numbers. Default 0. */
  firstToken?: number;
}

/**
 * The host's half of a binary link: asks for what is missing, answers labels, keeps the device's clock in sight and
 * sends predictions back. Nothing is ever sent to a device that has not shown that it speaks frames: a sketch that
 * prints text may take bytes for commands.
 */
export class DeviceLink {
  readonly clock = new ClockEstimator();
  hello: DeviceHello | null = null;
  stats: DeviceStats | null = null;
  private readonly encoder = new HostEncoder();
  private readonly values: Float32Array;
  private lastRequestMs = -Infinity;
  private pingTimer: NodeJS.Timeout | undefined;
  private token: number;
  private pingSentUs = 0;
  private linesLeft = LINES_A_MINUTE;
  private linesFromMs = -Infinity;
  private outputs = 0;
  private wanted: Wanted;

  constructor(
    private readonly stream: Stream,
    private readonly options: DeviceLinkOptions,
  ) {
    this.wanted = options.wanted;
    this.token = options.firstToken ?? 0;
    this.values = new Float32Array(Math.min(stream.prediction.length, MAX_OUTPUT_VALUES));
  }

  /** What the pipeline tells this link. */
  events(): PipelineEvents {
    return {
      onWantHello: () => this.requestHello(),
      onHello: (hello) => this.greeted(hello),
      onPong: (token, rxUs, txUs) => {
        if (token === this.token) this.clock.add(this.pingSentUs, rxUs, txUs, nowUs());
      },
      onStats: (stats) => {
        this.stats = stats;
      },
      onLog: (level, text) => this.quote(`device, ${LEVELS[level] ?? `level ${level}`}: ${text}`),
      onText: (text) => this.quote(`device prints: ${text.trimEnd()}`),
      onLabel: (row) => {
        this.send(this.encoder.labelAck(row));
      },
    };
  }

  /** From now on something else is wanted of the device. */
  configure(wanted: Wanted): void {
    this.wanted = wanted;
    this.askRate();
  }

  /** The link is gone, or of another device from now on. */
  closed(): void {
    clearInterval(this.pingTimer);
    this.pingTimer = undefined;
    this.hello = null;
    this.stats = null;
    this.clock.reset();
  }

  /** Sends the prediction of the row that has just gone through. @hot */
  afterRow(pipeline: Pipeline, outcome: number): void {
    if (!this.wanted.output || (outcome & PREDICTED) === 0 || this.hello === null) return;
    const { values, encoder, stream } = this;
    for (let i = 0; i < values.length; i++) values[i] = stream.prediction[i];
    const isWarmingUp = stream.rows <= stream.task.warmup;
    if (this.send(encoder.output(pipeline.rowNumber, values, isWarmingUp, false))) this.outputs++;
  }

  /** The score that goes with predictions, from time to time. */
  set score(skill: number | null) {
    this.encoder.score[0] = skill ?? Number.NaN;
  }

  /** For a person; empty where no device speaks frames. */
  describe(): string {
    if (this.hello === null) return '';
    const { clock, stats, outputs } = this;
    const parts = [`device ${oneLine(this.hello.firmware) || 'without a name'}`];
    if (clock.count > 0) {
      parts.push(`round trip ${(clock.roundTripUs / 1000).toFixed(1)} ms`, `clock ${clock.driftPpm.toFixed(0)} ppm`);
    }
    if (stats !== null) parts.push(`${stats.droppedRows} rows dropped by it`, `${stats.rxBad} bad frames at it`);
    if (outputs > 0) parts.push(`${outputs} predictions sent`);
    return parts.join(', ');
  }

  private greeted(hello: DeviceHello): void {
    const before = this.hello;
    this.hello = hello;
    if (before === null || before.boot !== hello.boot || before.firmware !== hello.firmware) {
      this.quote(`device ${oneLine(hello.firmware) || 'without a name'}, boot ${hello.boot}, speaks frames`);
      this.clock.reset();
    }
    this.askRate();
    if (this.pingTimer === undefined) {
      this.ping();
      this.pingTimer = setInterval(() => this.ping(), PING_MS);
      this.pingTimer.unref();
    }
  }

  /** Asks for the rate that is wanted, where the device has said that it has another one. */
  private askRate(): void {
    const { rowPeriodS } = this.wanted;
    if (this.hello === null || rowPeriodS === undefined) return;
    const wantedUs = Math.round(1e6 * rowPeriodS);
    if (wantedUs !== this.hello.periodUs) this.send(this.encoder.rate(wantedUs));
  }

  private requestHello(): void {
    const now = performance.now();
    if (now - this.lastRequestMs < HELLO_REQUEST_MS) return;
    this.lastRequestMs = now;
    this.send(this.encoder.helloRequest());
  }

  private ping(): void {
    this.token = (this.token + 1) >>> 0;
    this.pingSentUs = nowUs();
    this.send(this.encoder.ping(this.token));
  }

  /** Sends the first `length` bytes of the encoder. */
  private send(length: number): boolean {
    this.encoder.timeUs[0] = nowUs();
    return this.options.send(this.encoder.bytes.subarray(0, length));
  }

  /** Says what the device says, as long as it does not say too much. */
  private quote(text: string): void {
    const now = performance.now();
    if (now - this.linesFromMs > 60_000) {
      if (this.linesLeft < 0) this.options.say(`device: ${-this.linesLeft} more lines in the last minute`);
      this.linesFromMs = now;
      this.linesLeft = LINES_A_MINUTE;
    }
    if (--this.linesLeft < 0) return;
    for (const line of text.split('\n')) this.options.say(oneLine(line));
  }
}

/** Microseconds of a clock that never goes back. */
const nowUs = (): number => performance.now() * 1000;
