import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect } from 'vitest';
import type { ReplayResult } from '../recording/index.js';
import { type TrackedMetric, type TrackedReplay, worstWindow } from './track.js';

// Importing this adds matchers for replays to vitest's `expect`.

export { type TrackedMetric, type TrackedReplay, trackReplay } from './track.js';

/** What matchers take: a replay's result, alone, as `replayLog` returns it, or tracked. */
type Replayed = ReplayResult | { result: ReplayResult };

interface ReplayMatchers<R = unknown> {
  /** Skill against the last value, or kappa against the last class, of at least this. */
  toReachSkill(least: number): R;
  /**
   * The hash of everything learned: given, or kept in a golden file, which `vitest --update` writes. A golden file that is
   * not there is written too, but not in CI.
   */
  toMatchHash(hash: string | { golden: string }): R;
  /** Every windowed error behind the first `after` scored rows is below this; of a tracked replay. */
  toStayBelow(metric: TrackedMetric, limit: number, options?: { after?: number }): R;
}

declare module 'vitest' {
  // biome-ignore lint/suspicious/noExplicitAny: a declaration that is merged has the type parameters of the other
  interface Matchers<T = any> extends ReplayMatchers<T> {}
}

const figure = (value: number) => String(Number(value.toPrecision(4)));

expect.extend({
  toReachSkill(received: Replayed, least: number) {
    const { report } = resultOf(received);
    const skill =
      report.kind === 'anomaly'
        ? null
        : report.kind === 'classify'
          ? report.metrics.kappaLastClass
          : report.metrics.skill;
    const pass = skill !== null && skill >= least;
    return {
      pass,
      message: () =>
        `expected a skill ${this.isNot ? 'below' : 'of at least'} ${figure(least)}, found ${skill === null ? 'none: no row was scored' : figure(skill)} over ${report.scored} rows`,
    };
  },

  toMatchHash(received: Replayed, expected: string | { golden: string }) {
    const { hash } = resultOf(received);
    const golden = typeof expected === 'string' ? undefined : expected.golden;
    if (golden !== undefined && mayWrite(golden, this.snapshotState.snapshotUpdateState)) {
      mkdirSync(dirname(golden), { recursive: true });
      writeFileSync(golden, `${hash}\n`);
    }
    const wanted = typeof expected === 'string' ? expected : readGolden(expected.golden);
    return {
      pass: hash === wanted,
      message: () =>
        this.isNot
          ? `expected another hash than ${hash}`
          : `expected hash ${wanted ?? 'in a golden file, which is not there'}, found ${hash}${golden === undefined ? '' : ` (${golden}; vitest --update writes it)`}`,
    };
  },

  toStayBelow(received: TrackedReplay, metric: TrackedMetric, limit: number, { after = 0 }: { after?: number } = {}) {
    const { worst, row } = worstWindow(received, metric, after);
    return {
      pass: row >= 0 && worst < limit,
      message: () =>
        row < 0
          ? `expected more than ${after + received.window} scored rows, found ${received.absolute.length}`
          : `expected ${metric} ${this.isNot ? 'to reach' : 'below'} ${figure(limit)} after ${after} rows, found ${figure(worst)} over the ${received.window} rows up to scored row ${row}`,
    };
  },
});

function resultOf(received: Replayed): ReplayResult {
  return 'result' in received ? received.result : received;
}

/** As vitest does with its own: `all` with --update, `new` at home, `none` in CI. */
function mayWrite(golden: string, update: 'all' | 'new' | 'none'): boolean {
  return update === 'all' || (update === 'new' && !existsSync(golden));
}

function readGolden(golden: string): string | undefined {
  return existsSync(golden) ? readFileSync(golden, 'utf8').trim() : undefined;
}
