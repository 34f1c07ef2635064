import {
  adviceOn,
  pointedLine,
  quotedLine,
  type RawLine,
  RefusalWatch,
  type RefusedLines,
  shownPartial,
} from '../bridge/index.js';
import type { Pipeline } from '../recording/index.js';
import type { Priority } from './journal.js';
import { reasonsIn, wordsOf } from './refusal-words.js';
import type { RefusalStatus } from './task-status.js';

/** Between looks. */
const LOOK_MS = 1000;

/** Lines that were refused once a format was known, for a summary: a line a reason, its latest one below with a caret. */
export function refusedLines(refused: readonly RefusedLines[]): string[] {
  return refused
    .filter(({ reason }) => reason !== 'noFormat')
    .map(
      ({ reason, count, example }) =>
        `  refused ${count} ${wordsOf(reason)}, the last:\n${pointedLine(example, '    ')}`,
    );
}

/**
 * Looks every second whether lines of a task are refused, and says once when that begins and once when it is over.
 */
export class RefusalNews {
  private readonly watch: RefusalWatch;
  private timer: NodeJS.Timeout | undefined;
  /** Reasons of single lines that have been said. */
  private readonly said = new Set<string>();
  private refusedSaid = 0;
  private reported: { refused: number; reasons: RefusalStatus['reasons'] } = { refused: 0, reasons: [] };

  constructor(
    private readonly pipeline: Pipeline,
    private readonly say: (text: string, priority: Priority) => void,
  ) {
    const { lines } = pipeline.decoder;
    this.watch = new RefusalWatch(lines.refusals, lines);
  }

  begin(): void {
    this.timer = setInterval(() => this.look(performance.now()), LOOK_MS);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  status(): RefusalStatus {
    const { watch, pipeline } = this;
    const { refusals } = pipeline.decoder.lines;
    const { isRefusing } = watch;
    return {
      isRefusing,
      sinceS: isRefusing ? (performance.now() - watch.sinceMs) / 1000 : null,
      rowsSince: watch.since.rows,
      refusedSince: watch.since.refused,
      refused: refusals.refused,
      undecided: refusals.undecided,
      rows: refusals.rows,
      latest: refusals.example() ?? (isRefusing ? shownPartial(pipeline.decoder.lines).line : null),
      reasons: this.reasons(),
    };
  }

  /** Made again only where something was refused since: a status is asked for every second. */
  private reasons(): RefusalStatus['reasons'] {
    const { refusals } = this.pipeline.decoder.lines;
    if (this.reported.refused !== refusals.refused) {
      const reasons = refusals.report().map((each) => ({ ...each, advice: adviceOn(each.reason, each.example) }));
      this.reported = { refused: refusals.refused, reasons };
    }
    return this.reported.reasons;
  }

  /** The latest lines, with what became of each. */
  latest(): RawLine[] {
    return this.pipeline.decoder.lines.refusals.lines();
  }

  /** What the line of the task says of it. */
  get short(): string[] {
    const { decoder } = this.pipeline;
    const { rows, refused, undecided } = decoder.lines.refusals;
    if (decoder.mode === 'binary') return [];
    const lines = refused + undecided;
    if (rows === 0) return lines === 0 ? [] : [`${lines} ${lines === 1 ? 'line' : 'lines'}, no row yet`];
    // Lines before the first row are banners.
    const count = refused - decoder.lines.counters().droppedBeforeLock;
    return count === 0 ? [] : [`${this.watch.isRefusing ? 'REFUSED' : 'refused'} ${count}`];
  }

  private look(nowMs: number): void {
    const { watch, pipeline } = this;
    if (pipeline.decoder.mode === 'binary') return;
    const sinceMs = watch.sinceMs;
    const change = watch.look(nowMs);
    if (change === 'begins') this.begins();
    else if (change === 'over') {
      const { refused } = pipeline.decoder.lines.refusals;
      this.refusedSaid = refused;
      const { refused: count } = watch.last;
      this.say(`lines are rows again; ${count} were refused in ${duration(nowMs - sinceMs)}`, 'notice');
    } else if (!watch.isRefusing) this.single();
  }

  private begins(): void {
    const { watch, pipeline } = this;
    const { lines } = pipeline.decoder;
    const { refusals } = lines;
    const example = refusals.example();
    for (const { reason } of refusals.report()) this.said.add(reason);
    if (example === null) {
      const { bytes, line } = shownPartial(lines);
      this.say(
        `no line has ended yet: ${bytes} bytes, which begin ${quotedLine(line)}; ${adviceOn('noFormat', line)}`,
        'warning',
      );
      return;
    }
    const [{ reason } = { reason: 'noFormat' }] = refusals.report();
    const { recent } = watch;
    const what =
      refusals.rows === 0
        ? `no line is a row: ${watch.since.refused} came`
        : `${recent.refused} of the last ${recent.lines} lines are refused (${reasonsIn(refusals.report().filter(({ reason: of }) => of !== 'noFormat'))})`;
    this.say(`${what}, the last ${quotedLine(example)}; ${adviceOn(reason, example)}`, 'warning');
  }

  /** A line now and then is no row: the first of each reason is said. */
  private single(): void {
    const { refusals } = this.pipeline.decoder.lines;
    if (refusals.rows === 0 || refusals.refused === this.refusedSaid) return;
    this.refusedSaid = refusals.refused;
    for (const { reason, example } of refusals.report()) {
      if (reason === 'noFormat' || this.said.has(reason)) continue;
      this.said.add(reason);
      this.say(`a line is no row, ${wordsOf(reason)}: ${quotedLine(example)}; further ones are counted`, 'info');
    }
  }
}

function duration(ms: number): string {
  const s = Math.round(ms / 1000);
  return s < 120 ? `${s} s` : s < 7200 ? `${Math.round(s / 60)} min` : `${Math.round(s / 3600)} h`;
}
