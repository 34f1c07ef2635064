import * as v from 'valibot';

// Keys, types, ranges and defaults are written down in the schemas of this room: validation, and the tables of
// docs/configuration.md, are made from them. A description reads: what it is, its unit, what a special value means.

export const integer = (min: number, max: number) =>
  v.pipe(
    v.number(),
    v.check((n) => Number.isInteger(n) && n >= min && n <= max, `a whole number from ${min} to ${max}`),
  );

export const finite = (min: number, expected: string) =>
  v.pipe(
    v.number(),
    v.check((n) => Number.isFinite(n) && n >= min, expected),
  );

export const between = (min: number, max: number) =>
  v.pipe(
    v.number(),
    v.check((n) => n >= min && n < max, `a number ≥ ${min} and < ${max}`),
  );

export const name = v.pipe(
  v.string(),
  v.check((text) => text.trim() === text && text.length > 0 && text.length <= 64, 'a name of 1 to 64 characters'),
);
