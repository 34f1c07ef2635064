import { afterEach, expect, test, vi } from 'vitest';
import { Mixture } from '../../src/engine/mixture.js';
import { createStream } from '../../src/stream/index.js';
import { Race } from '../../src/stream/race.js';

afterEach(() => {
  vi.restoreAllMocks();
});

test('race: however it is hastened, it is judged by ten rows or more', () => {
  const races: Race[] = [];
  vi.spyOn(Mixture.prototype, 'remember');
  const create = vi.spyOn(Race.prototype, 'predict').mockImplementation(function (this: Race) {
    races.push(this);
  });
  const stream = createStream({
    columns: [{ name: 'x' }, { name: 'y' }],
    task: { kind: 'regress', features: ['x'], targets: ['y'] },
  });
  stream.row.set([1, 2]);
  stream.accept();
  create.mockRestore();
  const remembered = (factor: number) => {
    races[0].hasten(factor);
    return vi.mocked(Mixture.prototype.remember).mock.lastCall![0];
  };
  expect(remembered(1)).toBeGreaterThan(0.9);
  for (const factor of [100, 1000, 1e6]) expect(remembered(factor)).toBe(0.9);
});
