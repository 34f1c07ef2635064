import { expect, test } from 'vitest';
import { figure, sparkline } from '../../src/daemon/status.js';

test('figures have three significant digits, a unit where there is one, a dash where there is none', () => {
  expect(figure(0.30649, 'kn')).toBe('0.306 kn');
  expect(figure(1234.5)).toBe('1235');
  expect(figure(0)).toBe('0.00');
  expect(figure(null, 'kn')).toBe('–');
});

test('a sparkline reaches from the lowest bar to the highest and keeps to its width', () => {
  expect(sparkline([0, 1, 2, 3, 4, 5, 6, 8], 8)).toBe('▁▂▃▄▅▆▇█');
  expect(
    sparkline(
      Array.from({ length: 100 }, (_, i) => i),
      10,
    ),
  ).toHaveLength(10);
  expect(sparkline([], 10)).toBe('');
  expect(sparkline([0, 0], 10)).toBe('▁▁');
});
