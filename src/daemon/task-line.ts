import type { Stream } from '../stream/index.js';
import { scoreOf, statusLine } from './status.js';

/** Samples of the windowed error kept for the trend. */
const TREND = 96;

/** One task in a line: rows, rate, error beside the baseline's, and how the error went. */
export class TaskLine {
  /** The windowed error over time; when full, neighbours are merged, so it always spans the whole run. */
  #trend: number[] = [];
  #rowsPerSample = 8;
  #rowsToSample = 8;
  #lastRows: number;
  #lastMs = performance.now();
  #rowsPerSecond = Number.NaN;

  constructor(
    private readonly name: string,
    private readonly stream: Stream,
  ) {
    this.#lastRows = stream.rows;
  }

  /** Rows a second lately, as far as `update` has been called; 0 before. */
  get rowsPerSecond(): number {
    return Number.isNaN(this.#rowsPerSecond) ? 0 : this.#rowsPerSecond;
  }

  /** The stream begins here, with rows from before. */
  begin(): void {
    this.#lastRows = this.stream.rows;
    this.#lastMs = performance.now();
  }

  /** A row has gone through; now and then takes a sample for the trend. */
  sample(): void {
    if (--this.#rowsToSample > 0) return;
    this.#rowsToSample = this.#rowsPerSample;
    const { windowModel } = scoreOf(this.stream.report(), '');
    if (windowModel === null) return;
    this.#trend.push(windowModel);
    if (this.#trend.length < TREND) return;
    this.#trend = this.#trend.filter((_, i) => i % 2 === 1);
    this.#rowsPerSample *= 2;
  }

  /** Counts the rows since the last call. */
  update(): void {
    const now = performance.now();
    const rows = this.stream.rows - this.#lastRows;
    const measured = (1000 * rows) / Math.max(now - this.#lastMs, 1);
    this.#rowsPerSecond = Number.isNaN(this.#rowsPerSecond) ? measured : 0.7 * this.#rowsPerSecond + 0.3 * measured;
    this.#lastRows = this.stream.rows;
    this.#lastMs = now;
  }

  /** The line, as wide as there is room. */
  text(unit: string, counted: readonly string[], width: number): string {
    const report = this.stream.report();
    return statusLine(this.name, report, scoreOf(report, unit), this.rowsPerSecond, this.#trend, width, counted);
  }
}
