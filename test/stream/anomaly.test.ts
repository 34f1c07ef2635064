import { describe, expect, it } from 'vitest';
import { scoreOf, statusLine, summary } from '../../src/daemon/status.js';
import { Random } from '../../src/engine/index.js';
import type { TaskSpec } from '../../src/spec/index.js';
import {
  ALARM,
  createStream,
  LEARNED,
  outcomeNames,
  PREDICTED,
  QUARANTINED,
  type Stream,
  type StreamOptions,
} from '../../src/stream/index.js';

const ROWS = 6000;

/** Normal-like noise of deviation 1. */
function noise(seed: number): () => number {
  const random = new Random(seed);
  return () => Array.from({ length: 12 }, () => random.uniform() - 0.5).reduce((sum, v) => sum + v, 0);
}

/** A value with a season, a walk that returns, and noise. */
function seasonal(seed: number, amplitude = 5, period = 144): (i: number) => number {
  const next = noise(seed);
  let walk = 0;
  return (i) => {
    walk = 0.98 * walk + 0.1 * next();
    return 20 + amplitude * Math.sin((2 * Math.PI * i) / period) + walk + 0.1 * next();
  };
}

function reportOf(stream: Stream) {
  const report = stream.report();
  if (report.kind !== 'anomaly') throw new Error('not an anomaly task');
  return report;
}

/** Runs a log; returns the stream, where it was in alarm, and which column it was. */
function run(rowOf: (i: number) => number[], task: Partial<TaskSpec> = {}, network?: StreamOptions['network']) {
  const names = rowOf(0).map((_, k) => `c${k}`);
  const stream = createStream({
    columns: names.map((name) => ({ name })),
    task: { kind: 'anomaly', features: names, ...task },
    network,
  });
  const alarms: boolean[] = [];
  const columns: (string | null)[] = [];
  for (let i = 0; i < ROWS; i++) {
    stream.row.set(rowOf(i));
    const isOn = (stream.accept() & ALARM) !== 0;
    alarms.push(isOn);
    columns.push(isOn ? reportOf(stream).metrics.column : null);
  }
  return { stream, alarms, columns, report: reportOf(stream) };
}

const count = (alarms: boolean[], from: number, to: number) => alarms.slice(from, to).filter(Boolean).length;

function longest(alarms: boolean[]): number {
  let most = 0;
  let now = 0;
  for (const isOn of alarms) {
    now = isOn ? now + 1 : 0;
    most = Math.max(most, now);
  }
  return most;
}

describe('anomaly by residual, untouched', () => {
  it('finds every spike of either sign, at about the stated rate', () => {
    const value = seasonal(1);
    const at = [1500, 2300, 3101, 4000, 5201];
    const { alarms, report } = run((i) => [value(i) + (at.includes(i) ? (i % 2 ? 3 : -3) : 0)]);
    for (const i of at) expect(alarms[i], `spike at row ${i}`).toBe(true);
    expect(report.metrics.rate).toBeLessThan(0.014);
    expect(report.baseline.rate).toBe(0.01);
    expect(report.forecast!.metrics.skill).toBeGreaterThan(0);
  });

  it('finds a level shift at once, and accepts the new level', () => {
    const value = seasonal(2);
    const { alarms } = run((i) => [value(i) + (i >= 3000 ? 8 : 0)]);
    expect(alarms[3000]).toBe(true);
    expect(count(alarms, 3060, 3560)).toBeLessThan(25);
  });

  it('finds a sensor that is stuck', () => {
    const value = seasonal(3, 8, 60);
    let held = 0;
    const { alarms } = run((i) => {
      const now = value(i);
      if (i < 3005 || i >= 3100) held = now;
      return [held];
    });
    expect(count(alarms, 3005, 3100)).toBeGreaterThan(0);
  });

  it('keeps quiet about a slow drift with a season: nothing lasts, and the rate is kept', () => {
    const value = seasonal(4);
    const { alarms, report } = run((i) => [value(i) + 0.01 * i]);
    expect(report.metrics.rate).toBeLessThan(0.014);
    expect(longest(alarms)).toBeLessThan(15);
  });

  it('finds what is unusual in one of several columns, and names it', () => {
    const [a, b, c] = [seasonal(5), seasonal(6, 1, 30), seasonal(7, 30, 500)];
    const { alarms, columns } = run((i) => [a(i), b(i) + (i === 4000 ? 4 : 0), c(i)]);
    expect(alarms[4000]).toBe(true);
    expect(columns[4000]).toBe('c1');
  });

  it('publishes score and threshold with every row, and says so on the status line and in the summary', () => {
    const value = seasonal(8);
    const { stream, report } = run((i) => [value(i) + (i === ROWS - 1 ? 50 : 0)]);
    expect(stream.outputNames).toEqual(['score', 'threshold']);
    const [score, threshold] = stream.prediction;
    expect(score).toBe(report.metrics.score);
    expect(score).toBeGreaterThan(10 * threshold);
    expect(report.metrics).toMatchObject({ isInAlarm: true, column: 'c0' });
    const line = statusLine('a', report, scoreOf(report, ''), 1, [], 200);
    expect(line).toMatch(/score \d+\.?\d* {2}threshold \d\.\d+ {2}ALARM c0/);
    const text = summary(report, scoreOf(report, ''), 0);
    expect(text).toMatch(/rows in alarm, of 5\d{3} +[\d.]+ % +1\.00 %/);
    expect(text).toMatch(/alarms +\d+/);
    expect(outcomeNames(ALARM | PREDICTED)).toEqual(['predicted', 'alarm']);
  });

  it('neither judges nor raises an alarm for a quarantined or missing row, nor across a gap', () => {
    const stream = createStream({
      columns: [{ name: 'x', range: [-100, 100] }],
      task: { kind: 'anomaly', features: ['x'], warmup: 50, lags: [] },
    });
    const accept = (x: number) => {
      stream.row[0] = x;
      return stream.accept();
    };
    for (let i = 0; i < 600; i++) accept(Math.sin(i));
    const { scored } = reportOf(stream);
    expect(accept(999)).toBe(QUARANTINED);
    expect(accept(Number.NaN) & ALARM).toBe(0);
    expect(accept(90)).toBe(PREDICTED); // the row before is not known
    expect(stream.prediction[0]).toBe(0);
    stream.gap('request');
    expect(accept(-90)).toBe(PREDICTED);
    expect(reportOf(stream).scored).toBe(scored);
    expect(accept(90) & (ALARM | LEARNED)).toBe(ALARM | LEARNED);
    stream.labelRow[0] = 1;
    expect(stream.label(0)).toBe(0);
  });
});

describe('anomaly by autoencoder', () => {
  it('finds where columns no longer belong together, though each is as usual', () => {
    const next = noise(9);
    let x = 0;
    const rowOf = (i: number) => {
      x = 0.9 * x + next();
      const isBroken = i >= 4000 && i < 4040;
      return [x + 0.05 * next(), (isBroken ? -2 : 2) * x + 0.05 * next(), 0.5 * x + 0.05 * next()];
    };
    const { alarms, report } = run(rowOf, { method: 'autoencoder', lags: [] });
    expect(count(alarms, 4000, 4040)).toBeGreaterThan(12);
    expect(report.metrics.rate).toBeLessThan(0.02);
    expect(report.forecast).toBeNull();
  });

  it('takes a network of the user, and refuses what would give every row back', () => {
    const columns = [{ name: 'a' }, { name: 'b' }];
    const task = { kind: 'anomaly', method: 'autoencoder', features: ['a', 'b'] } satisfies TaskSpec;
    const layers = [{ kind: 'dense', units: 1, activation: 'tanh' } as const];
    const stream = createStream({ columns, task, network: { layers } });
    expect(stream.taskNetwork).toMatchObject({ layers: [{ units: 1 }] });
    expect(stream.network.plan.network.inputs).toBe(8);
    expect(createStream({ columns, task }).taskNetwork).toMatchObject({ layers: [{ units: 3, activation: 'tanh' }] });
    expect(() => createStream({ columns, task, network: { shortcut: true } })).toThrow(
      'network.shortcut: found true, expected no path around the hidden layers',
    );
    expect(() => createStream({ columns, task, drift: [{ on: 'loss', detector: 'adwin' }] })).toThrow(
      'drift[0].on: found "loss" with an autoencoder, which predicts nothing, expected a column',
    );
    expect(() => createStream({ columns, task: { ...task, features: ['a'], lags: [] } })).toThrow(
      'task.method: found "autoencoder" with one input, a, expected several inputs',
    );
  });
});
