import type { PastSample, RowSample, ScoredSample } from '../daemon/http/messages.js';

/** Points kept; when there are more, every second one of the older half is left out. */
const MOST_POINTS = 6000;
/** A line is broken where nothing came for so many seconds, and so many times as long as usual. */
const GAP_S = 3;
const GAP_TIMES = 8;

type Column = (number | null | undefined)[];

/** The rows of one task over time, as the charts take them: lists of one length. */
export class RowSeries {
  /** Seconds since 1970. */
  time: number[] = [];
  /** [columns]: what the rows hold, then predictions, lower and upper ends. */
  readonly values: Column[];
  /** What became known later: truths, predictions, baselines and the ends of intervals of scored rows. */
  readonly scored: Column[];
  private place: (number | null)[] = [];
  private usualS = 0;

  constructor(columns: number, scored: number) {
    this.values = Array.from({ length: columns }, () => []);
    this.scored = Array.from({ length: scored }, () => []);
  }

  get length(): number {
    return this.time.length;
  }

  /** What was before the page was opened. */
  addPast(samples: readonly PastSample[]): void {
    for (const { timeMs, row, scored } of samples) {
      this.add(timeMs / 1000, row);
      if (scored === null) continue;
      const found = this.indexOf(scored[0]);
      this.setTruth(found < 0 ? this.length - 1 : found, scored);
    }
  }

  /** Goes on after the page was away for a while. @param isSame whether the process is still the same one */
  goOn(samples: readonly PastSample[], isSame: boolean): void {
    const lastPlace = this.place.findLast((place) => place !== null) ?? 0;
    if (isSame) this.addPast(samples.filter(({ row }) => (row[0] ?? 0) > lastPlace));
    else {
      // The rows of the process before are counted otherwise: no truth comes for them any more.
      this.place = this.place.map((place) => (place === null ? null : -1));
      const last = this.time.at(-1);
      if (last !== undefined) this.push(last, null, []);
      this.addPast(samples);
    }
  }

  clear(): void {
    for (const list of [this.time, this.place, ...this.values, ...this.scored]) list.length = 0;
  }

  /** The clock was set: everything stands as far from now as before. */
  shift(seconds: number): void {
    shift(this.time, seconds);
  }

  /** Rows that came until `timeMs`. */
  addRows(timeMs: number, rows: readonly RowSample[]): void {
    const until = timeMs / 1000;
    const lastPlace = this.place.at(-1) ?? null;
    const news = rows.filter((row) => lastPlace === null || (row[0] ?? 0) > lastPlace);
    if (news.length === 0) return;
    const first = news[0][0] ?? 0;
    const last = news.at(-1)?.[0] ?? 0;
    const before = this.time.at(-1) ?? 0;
    // Between two messages rows are taken to have come evenly.
    const isClose = until - before < 0.5 && lastPlace !== null;
    const from = isClose ? before : until - 0.05;
    const fromPlace = isClose ? lastPlace : first - 1;
    for (const row of news) this.add(from + ((until - from) * ((row[0] ?? 0) - fromPlace)) / (last - fromPlace), row);
  }

  addScored(samples: readonly ScoredSample[]): void {
    for (const sample of samples) {
      const found = this.indexOf(sample[0]);
      if (found >= 0) this.setTruth(found, sample);
    }
  }

  private add(time: number, row: RowSample): void {
    const before = this.time.at(-1);
    const step = before === undefined ? 0 : time - before;
    if (before !== undefined && step > GAP_S && step > GAP_TIMES * this.usualS) {
      this.push(before + step / 2, null, []);
    } else if (step > 0) this.usualS += (step - this.usualS) / 8;
    this.push(time, row[0], row.slice(1));
    if (this.length > MOST_POINTS) this.thin();
  }

  private push(time: number, place: number | null, row: readonly (number | null)[]): void {
    // Times must not go back.
    this.time.push(Math.max(time, this.time.at(-1) ?? 0));
    this.place.push(place);
    this.values.forEach((column, i) => {
      column.push(row[i] ?? null);
    });
    // Not known yet: a line goes on over it.
    for (const column of this.scored) column.push(place === null ? null : undefined);
  }

  private setTruth(at: number, sample: ScoredSample): void {
    this.scored.forEach((column, i) => {
      column[at] = sample[1 + i] ?? undefined;
    });
  }

  /** Where the row of a place is, −1 where it is not kept. The latest are looked at first. */
  private indexOf(place: number | null): number {
    if (place === null) return -1;
    let low = 0;
    let high = this.length - 1;
    while (low <= high) {
      let middle = (low + high) >> 1;
      while (middle > low && this.place[middle] === null) middle--;
      const here = this.place[middle];
      if (here === null) low = middle + 1;
      else if (here === place) return middle;
      else if (here < place) low = Math.max(middle, (low + high) >> 1) + 1;
      else high = middle - 1;
    }
    return -1;
  }

  private thin(): void {
    const half = this.length >> 1;
    const keep = <T>(list: T[]): void => {
      const kept = list.filter((_, i) => i >= half || i % 2 === 0 || this.place[i] === null);
      list.splice(0, list.length, ...kept);
    };
    for (const list of [this.time, ...this.values, ...this.scored] as unknown[][]) keep(list);
    keep(this.place);
  }
}

/** The windowed error of model and baseline over time, however long that is. */
export class ErrorSeries {
  time: number[] = [];
  model: (number | null)[] = [];
  baseline: (number | null)[] = [];

  clear(): void {
    for (const list of [this.time, this.model, this.baseline]) list.length = 0;
  }

  /** The clock was set. */
  shift(seconds: number): void {
    shift(this.time, seconds);
  }

  /** Goes on after the page was away for a while. */
  goOn(errors: readonly [timeMs: number, model: number | null, baseline: number | null][]): void {
    const last = this.time.at(-1) ?? 0;
    for (const [timeMs, model, baseline] of errors) if (timeMs / 1000 > last) this.add(timeMs, model, baseline);
  }

  add(timeMs: number, model: number | null, baseline: number | null): void {
    if (model === null) return;
    this.time.push(Math.max(timeMs / 1000, this.time.at(-1) ?? 0));
    this.model.push(model);
    this.baseline.push(baseline);
    if (this.time.length <= MOST_POINTS / 2) return;
    const half = this.time.length >> 1;
    for (const list of [this.time, this.model, this.baseline] as unknown[][]) {
      list.splice(0, list.length, ...list.filter((_, i) => i >= half || i % 2 === 0));
    }
  }
}

function shift(times: number[], seconds: number): void {
  for (let i = 0; i < times.length; i++) times[i] += seconds;
}
