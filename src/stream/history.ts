import { RollingExtremes, RollingMoments, type StateArray } from '../online/index.js';
import type { Column, Lag, Statistic, Task, Window } from '../spec/index.js';
import { Encoder } from './encoder.js';

/** A rolling window, and what of it becomes an input. */
interface WindowPart {
  readonly rows: number;
  /** [width]: places in the values of a row. */
  readonly columns: Int32Array;
  readonly moments: RollingMoments | undefined;
  readonly extremes: RollingExtremes | undefined;
  /** [width] each; `of` names those that become inputs, in order. */
  readonly statistics: Record<Statistic, Float64Array>;
  readonly of: readonly Float64Array[];
}

/**
 * Earlier rows as inputs: lags and rolling windows of features. Rows are counted as the device sent them.
 *
 * A lag where the row was lost, quarantined or had no value is the last value before it; where there is none, the oldest
 * known. A window holds the values there are: at the start and after a gap, as many as have come.
 */
export class History {
  /** Names of the inputs: `temp-2`, `temp.mean20`, `heading.cos-1`. */
  readonly names: readonly string[];
  /** Inputs. */
  readonly width: number;
  /** Rows after which nothing is left of an earlier row; 0 without lags and windows. */
  readonly rows: number;
  private readonly encoder: Encoder;
  /** [n]: of the current row, and which of them are there. */
  private readonly values: Float64Array;
  private readonly isThere: Uint8Array;
  /** [lags, 2]: rows, and place in the values of a row. */
  private readonly lags: Int32Array;
  /** [depth, n]: a lost or missing value is the one before it. */
  private readonly ring: Float64Array;
  /** [depth, n]: 0 where nothing was known by then. */
  private readonly known: Int32Array;
  private readonly depth: number;
  private readonly windows: readonly WindowPart[];
  /** [2]: place of the current row in the ring · rows since the start or a gap, `rows` at most. */
  private readonly scalars = new Int32Array(2);

  constructor(columns: readonly Column[], { features, lags, windows }: Pick<Task, 'features' | 'lags' | 'windows'>) {
    const used = features.filter((name) => [...lags, ...windows].some((part) => part.columns.includes(name)));
    const encoder = new Encoder(columns, used, 'index');
    const placesOf = (part: Lag | Window) =>
      part.columns.flatMap((name) => encoder.placesOf(name)).sort((a, b) => a - b);
    this.encoder = encoder;
    this.values = new Float64Array(encoder.width);
    this.isThere = new Uint8Array(encoder.width);
    const pairs = lags.flatMap((lag) => placesOf(lag).map((place): [number, number] => [lag.rows, place]));
    this.lags = Int32Array.from(pairs.flat());
    this.depth = lags.reduce((most, lag) => Math.max(most, lag.rows + 1), 0);
    this.ring = new Float64Array(this.depth * encoder.width);
    this.known = new Int32Array(this.depth * encoder.width);
    this.windows = windows.map((window) => windowPart(window, Int32Array.from(placesOf(window))));
    this.names = [
      ...pairs.map(([rows, place]) => `${encoder.names[place]}-${rows}`),
      ...windows.flatMap((window) =>
        window.of.flatMap((of) => placesOf(window).map((place) => `${encoder.names[place]}.${of}${window.rows}`)),
      ),
    ];
    this.width = this.names.length;
    this.rows = Math.max(this.depth, ...windows.map((window) => window.rows), 0);
  }

  /** Takes a row, of which values may be missing. @hot */
  take(row: Float32Array): void {
    if (this.rows === 0) return;
    this.encoder.encodePresent(this.values, this.isThere, row);
    this.pushLags();
    for (let k = 0; k < this.windows.length; k++) this.pushWindow(k);
    if (this.scalars[1] < this.rows) this.scalars[1] = this.scalars[1] + 1;
  }

  /**
   * Rows that were lost or are not to be believed: they have places and no values. Two calls are the same as one with the
   * sum of their counts.
   *
   * @hot
   */
  skip(count: number): void {
    const { rows, depth, windows, scalars } = this;
    if (rows === 0) return;
    this.isThere.fill(0);
    for (let i = depth > 0 ? turns(count, depth) : 0; i > 0; i--) this.pushLags();
    for (let k = 0; k < windows.length; k++) for (let i = turns(count, windows[k].rows); i > 0; i--) this.pushWindow(k);
    scalars[1] = count < rows - scalars[1] ? scalars[1] + count : rows;
  }

  /** @hot */
  private pushLags(): void {
    const { values, isThere, ring, known, scalars, depth } = this;
    if (depth === 0) return;
    const n = values.length;
    const before = scalars[0] * n;
    scalars[0] = scalars[0] + 1 === depth ? 0 : scalars[0] + 1;
    const now = scalars[0] * n;
    for (let i = 0; i < n; i++) {
      const isNew = isThere[i] === 1;
      ring[now + i] = isNew ? values[i] : ring[before + i];
      known[now + i] = isNew ? 1 : known[before + i];
    }
  }

  /** @hot */
  private pushWindow(k: number): void {
    const { moments, extremes, columns } = this.windows[k];
    if (moments !== undefined) moments.push(this.values, this.isThere, columns);
    if (extremes !== undefined) extremes.push(this.values, this.isThere, columns);
  }

  /**
   * Writes the inputs of the current row, whose values are all there, to out[off … off + width).
   *
   * @returns whether they reach back before the start or a gap
   * @hot
   */
  write(out: Float64Array, off: number): boolean {
    const { lags, windows, scalars } = this;
    let o = off;
    for (let k = 0; k < lags.length; k += 2) out[o++] = this.ring[this.placeOf(lags[k], lags[k + 1])];
    for (let k = 0; k < windows.length; k++) {
      const { moments, extremes, statistics, of } = windows[k];
      if (moments !== undefined) moments.read(statistics.mean, statistics.deviation, statistics.slope);
      if (extremes !== undefined) extremes.read(statistics.min, statistics.max);
      for (let j = 0; j < of.length; j++) {
        const values = of[j];
        for (let i = 0; i < values.length; i++) out[o++] = values[i];
      }
    }
    return scalars[1] < this.rows;
  }

  /** Where in the ring value i of the row `age` rows ago is, or the oldest known since. @hot */
  private placeOf(age: number, i: number): number {
    const { known, scalars, depth } = this;
    const n = this.values.length;
    for (let a = age < scalars[1] ? age : scalars[1] - 1; a > 0; a--) {
      const place = (scalars[0] - a < 0 ? scalars[0] - a + depth : scalars[0] - a) * n + i;
      if (known[place] === 1) return place;
    }
    return scalars[0] * n + i;
  }

  /** Forgets every row. @hot */
  clear(): void {
    this.ring.fill(0);
    this.known.fill(0);
    this.scalars.fill(0);
    for (let k = 0; k < this.windows.length; k++) {
      const { moments, extremes } = this.windows[k];
      if (moments !== undefined) moments.clear();
      if (extremes !== undefined) extremes.clear();
    }
  }

  /** What decides about later inputs; nothing without lags and windows. */
  state(prefix: string): StateArray[] {
    if (this.rows === 0) return [];
    const shape = [this.depth, this.values.length];
    return [
      { name: `${prefix}.values`, shape, data: this.ring },
      { name: `${prefix}.known`, shape, data: this.known },
      { name: `${prefix}.position`, shape: [2], data: this.scalars },
      ...this.windows.flatMap(({ moments, extremes }, k) => [
        ...(moments?.state(`${prefix}.windows.${k}.moments`) ?? []),
        ...(extremes?.state(`${prefix}.windows.${k}.extremes`) ?? []),
      ]),
    ];
  }
}

/** As few steps of a ring of `rows` places as leave it where `count` would: at the same place, and as empty. @hot */
function turns(count: number, rows: number): number {
  return count < 2 * rows ? count : rows + (count % rows);
}

function windowPart({ rows, of }: Window, columns: Int32Array): WindowPart {
  const width = columns.length;
  const isWanted = (...names: Statistic[]) => names.some((name) => of.includes(name));
  const array = () => new Float64Array(width);
  const statistics = { mean: array(), deviation: array(), slope: array(), min: array(), max: array() };
  return {
    rows,
    columns,
    moments: isWanted('mean', 'deviation', 'slope') ? new RollingMoments(width, rows) : undefined,
    extremes: isWanted('min', 'max') ? new RollingExtremes(width, rows) : undefined,
    statistics,
    of: of.map((name) => statistics[name]),
  };
}
