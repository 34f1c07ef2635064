// @slow hashes of many networks, each with both executors; npm run exact too

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import {
  activationSchema,
  layersSchema,
  lossSchema,
  optimizerSchemas,
  scheduleSchema,
} from '../../src/spec/network-schemas.js';

const root = join(import.meta.dirname, '../..');
const node = (...args: string[]) => {
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 });
  return stdout || stderr;
};

beforeAll(() => {
  node('scripts/exact.js', '--bundle');
});

test.each(['simd', 'reference'])('%s: every network and log leaves its golden hash', (executor) => {
  expect(node('scripts/exact.js', '--executor', executor)).toMatch(/ equal, \d+ hashes/);
});

/** A network as the program lists it. */
interface Listed {
  spec: {
    layers: { kind: string; activation?: string }[];
    loss: string | { kind: string };
    optimizer: { kind: string; schedule?: { kind: string } };
  };
  examples?: number;
}

test('the table of cases holds everything a network can be declared with, at m = 1 and at m > 1', () => {
  const cases: Listed[] = Object.entries(JSON.parse(node('build/exact.mjs', '--list')))
    .filter(([name]) => !name.startsWith('random.'))
    .map(([, listed]) => listed as Listed);
  const missing = (some: unknown[], wanted: readonly string[]) => wanted.filter((each) => !some.includes(each));
  const schedules = cases.map(({ spec }) => spec.optimizer.schedule?.kind);
  expect(missing(schedules, kindsOf(scheduleSchema.options))).toEqual([]);
  for (const isMany of [false, true]) {
    const specs = cases.filter(({ examples = 1 }) => examples > 1 === isMany).map(({ spec }) => spec);
    const layers = specs.flatMap((spec) => spec.layers);
    const losses = specs.map(({ loss }) => (typeof loss === 'string' ? loss : loss.kind));
    expect({
      layers: missing(
        layers.map((layer) => layer.kind),
        kindsOf(layersSchema.pipe[0].item.options),
      ),
      activations: missing(
        layers.map((layer) => layer.activation),
        activationSchema.options,
      ),
      losses: missing(losses, kindsOf(lossSchema.pipe[2].options)),
      optimizers: missing(
        specs.map((spec) => spec.optimizer.kind),
        kindsOf(optimizerSchemas),
      ),
    }).toEqual({ layers: [], activations: [], losses: [], optimizers: [] });
  }
});

/** The names of a schema's variants. */
function kindsOf(schemas: readonly { entries: { kind: object } }[]): string[] {
  return schemas.map(({ entries: { kind } }) => {
    const { literal } = ('pipe' in kind ? (kind.pipe as object[])[0] : kind) as { literal: string };
    return literal;
  });
}
