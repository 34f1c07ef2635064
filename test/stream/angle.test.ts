import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeCosSin } from '../../src/stream/angle.js';

/** Math.cos is within 1 ulp; its argument, up to π, is rounded a few times before. */
const ANGLE_ABSOLUTE = 1e-15;

function cosSin(degrees: number): [number, number] {
  const out = new Float64Array(3);
  writeCosSin(out, 1, Float64Array.of(degrees), 0);
  return [out[1], out[2]];
}

describe('angle', () => {
  it('is exact at multiples of 90 degrees, without a negative zero', () => {
    for (const turns of [-3, -1, 0, 1, 1e6]) {
      expect(cosSin(360 * turns + 0)).toEqual([1, 0]);
      expect(cosSin(360 * turns + 90)).toEqual([0, 1]);
      expect(cosSin(360 * turns + 180)).toEqual([-1, 0]);
      expect(cosSin(360 * turns + 270)).toEqual([0, -1]);
    }
    expect(cosSin(-0)).toEqual([1, 0]);
  });

  it('agrees with Math.cos and Math.sin', () => {
    for (let degrees = -720; degrees <= 720; degrees += 0.37) {
      const [cos, sin] = cosSin(degrees);
      const turn = degrees % 360;
      const radians = ((turn > 180 ? turn - 360 : turn < -180 ? turn + 360 : turn) * Math.PI) / 180;
      expect(Math.abs(cos - Math.cos(radians))).toBeLessThanOrEqual(ANGLE_ABSOLUTE);
      expect(Math.abs(sin - Math.sin(radians))).toBeLessThanOrEqual(ANGLE_ABSOLUTE);
    }
  });

  it('has length one for any finite angle, and the same bits a turn later', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (degrees) => {
        const [cos, sin] = cosSin(degrees);
        expect(Math.abs(cos * cos + sin * sin - 1)).toBeLessThan(ANGLE_ABSOLUTE);
        expect(cosSin(degrees % 360)).toEqual([cos, sin]);
      }),
    );
  });

  it('is even in cosine and odd in sine', () => {
    for (const degrees of [1, 45, 44.999, 135, 200.5, 315, 359.99]) {
      const [cos, sin] = cosSin(degrees);
      expect(cosSin(-degrees)).toEqual([cos, -sin]);
    }
  });
});
