import { describe, expect, test } from 'vitest';
import { Random } from '../../src/engine/index.js';
import { createStream, LEARNED, QUARANTINED, SCORED, type Stream } from '../../src/stream/index.js';
import { randomRow } from '../support/networks.js';

const AGE = 3;
const ROWS = 400;

/** Rows of two features and their truth, which is known AGE rows later. */
function truths(kind: 'regress' | 'classify'): { x: number[]; y: number }[] {
  const random = new Random(8);
  return Array.from({ length: ROWS }, () => {
    const x = randomRow(random, 2);
    return { x, y: kind === 'regress' ? Math.fround(x[0] - 2 * x[1]) : x[0] > x[1] ? 1 : 0 };
  });
}

function streamFor(kind: 'regress' | 'classify', task: object): Stream {
  const y =
    kind === 'regress'
      ? { name: 'y', range: [-50, 50] as [number, number] }
      : { name: 'y', kind: 'class' as const, classes: 2 };
  return createStream({
    columns: [{ name: 'a' }, { name: 'b' }, y],
    task: { kind, features: ['a', 'b'], targets: ['y'], warmup: 10, ...task },
    network: { layers: [{ kind: 'dense', units: 6, activation: 'tanh' }], optimizer: { kind: 'sgd', rate: 0.05 } },
  });
}

const accept = (stream: Stream, x: readonly number[], y: number): number => {
  stream.row.set([...x, y]);
  return stream.accept();
};

const label = (stream: Stream, age: number, y: number): number => {
  stream.labelRow.fill(Number.NaN);
  stream.labelRow[2] = y;
  return stream.label(age);
};

describe.each(['regress', 'classify'] as const)('%s: a label from outside', (kind) => {
  test('teaches what the same label printed in a row teaches', () => {
    const printed = streamFor(kind, { labelAge: AGE });
    const sent = streamFor(kind, { labelWait: 10 });
    const rows = truths(kind);
    rows.forEach(({ x }, i) => {
      const late = i < AGE ? Number.NaN : rows[i - AGE].y;
      accept(printed, x, late);
      if (i >= AGE) expect(label(sent, AGE - 1, late) & LEARNED).toBe(LEARNED); // the row to come is not counted yet
      accept(sent, x, Number.NaN);
      expect([...sent.prediction]).toEqual([...printed.prediction]);
    });
    expect(sent.network.hash()).toBe(printed.network.hash());
    expect(sent.report().metrics).toEqual(printed.report().metrics);
    expect(sent.report()).toMatchObject({ labels: ROWS - AGE, unusedLabels: 0, badLabels: 0 });
  });

  test('is used once, and not where its row is gone, was lost or had its label in a row', () => {
    const stream = streamFor(kind, { labelWait: 4 });
    const hashes = () => stream.network.hash();
    for (let i = 0; i < 30; i++) accept(stream, [i / 30, 1], i % 2);
    for (let i = 0; i < 6; i++) accept(stream, [i, 1], Number.NaN);
    expect(label(stream, 2, 1) & (LEARNED | SCORED)).toBe(LEARNED | SCORED);
    stream.lost(1);
    const before = hashes();
    expect(label(stream, 3, 1)).toBe(0); // the same row, one further back
    expect(label(stream, 0, 1)).toBe(0); // lost
    expect(label(stream, 5, 1)).toBe(0); // no longer waited for
    expect(label(stream, -1, 1)).toBe(0);
    expect(label(stream, 1.5, 1)).toBe(0);
    accept(stream, [1, 1], 1);
    expect(label(stream, 0, 0)).toBe(0); // printed in the row
    expect(hashes()).toBe(before);
    expect(stream.report()).toMatchObject({ labels: 7, unusedLabels: 6, badLabels: 0 });
  });

  test('missing or out of range is counted and teaches nothing', () => {
    const stream = streamFor(kind, { labelWait: 4 });
    for (let i = 0; i < 30; i++) accept(stream, [i / 30, 1], Number.NaN);
    const before = stream.hash();
    for (const y of [Number.NaN, Number.POSITIVE_INFINITY, 51, kind === 'regress' ? -51 : 0.5]) {
      expect(label(stream, 0, y)).toBe(QUARANTINED);
    }
    expect(stream.hash()).toBe(before);
    expect(stream.report()).toMatchObject({ labels: 4, badLabels: 4 });
    expect(label(stream, 0, 1) & LEARNED).toBe(LEARNED);
  });

  test('waits in a checkpoint as the row does', () => {
    const stream = streamFor(kind, { labelWait: 6 });
    for (const { x, y } of truths(kind).slice(0, 50)) {
      accept(stream, x, Number.NaN);
      label(stream, 0, y);
    }
    accept(stream, [1, 0], Number.NaN);
    const copy = streamFor(kind, { labelWait: 6 });
    copy.restore({
      ...stream.state(),
      tensors: new Map(stream.state().tensors.map((tensor) => [tensor.name, tensor])),
    });
    for (const each of [stream, copy]) {
      accept(each, [0, 1], Number.NaN);
      label(each, 1, 1);
      label(each, 2, 1); // had its label before
    }
    expect(copy.hash()).toBe(stream.hash());
    expect(copy.report()).toEqual(stream.report());
  });
});
