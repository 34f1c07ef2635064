import type { Stream } from '../stream/index.js';
import { isJournal, type Priority, withPriority } from './journal.js';
import { scoreOf, statusLine } from './status.js';

/** Samples of the windowed error kept for the trend. */
const TREND = 96;

/**
 * One line at the bottom of a terminal that is written over as the stream goes on, with messages scrolling above it.
 * Where the output is no terminal, every line is a line; where it is the journal, each has its priority.
 */
export class StatusLine {
  /** The windowed error over time; when full, neighbours are merged, so it always spans the whole run. */
  #trend: number[] = [];
  #rowsPerSample = 8;
  #rowsToSample = 8;
  #line = '';
  #lastRows = 0;
  #lastMs = performance.now();
  #rowsPerSecond = Number.NaN;

  readonly #isJournal: boolean;

  constructor(private readonly out: NodeJS.WriteStream & { readonly fd?: number }) {
    this.#isJournal = isJournal(out.fd ?? -1);
  }

  /** The line as it was shown last; '' before. */
  get text(): string {
    return this.#line;
  }

  /** Whether a person may be looking. */
  get isTerminal(): boolean {
    return this.out.isTTY;
  }

  /** The stream begins here, with rows from before. */
  begin(rows: number): void {
    this.#lastRows = rows;
    this.#lastMs = performance.now();
  }

  /** A row has gone through; now and then takes a sample for the trend. */
  sample(stream: Stream): void {
    if (--this.#rowsToSample > 0) return;
    this.#rowsToSample = this.#rowsPerSample;
    const { windowModel } = scoreOf(stream.report(), '');
    if (windowModel === null) return;
    this.#trend.push(windowModel);
    if (this.#trend.length < TREND) return;
    this.#trend = this.#trend.filter((_, i) => i % 2 === 1);
    this.#rowsPerSample *= 2;
  }

  /** Writes the line anew. */
  show(name: string, stream: Stream, unit: string, counted: readonly string[] = []): void {
    const now = performance.now();
    const report = stream.report();
    const rows = report.rows - this.#lastRows;
    const measured = (1000 * rows) / Math.max(now - this.#lastMs, 1);
    this.#rowsPerSecond = Number.isNaN(this.#rowsPerSecond) ? measured : 0.7 * this.#rowsPerSecond + 0.3 * measured;
    this.#lastRows = report.rows;
    this.#lastMs = now;
    const width = this.out.isTTY ? this.out.columns - 1 : 120;
    const line = statusLine(name, report, scoreOf(report, unit), this.#rowsPerSecond, this.#trend, width, counted);
    if (this.out.isTTY) this.out.write(`\r\x1b[K${line}`);
    else if (line !== this.#line) this.#write(line, 'info');
    this.#line = line;
  }

  /** A message of its own line. */
  say(text: string, priority: Priority = 'info'): void {
    if (this.out.isTTY) this.out.write(`\r\x1b[K${text}\n${this.#line}`);
    else this.#write(text, priority);
  }

  /** Leaves the last line where it is and goes below it. */
  end(): void {
    if (this.out.isTTY && this.#line !== '') this.out.write('\n');
    this.#line = '';
  }

  #write(text: string, priority: Priority): void {
    this.out.write(`${this.#isJournal ? withPriority(text, priority) : text}\n`);
  }
}
