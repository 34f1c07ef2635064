import * as v from 'valibot';
import { finite, integer } from './schema-kinds.js';

/** What is remembered of a stream, to be learned from again. */
export const memorySchema = v.strictObject({
  policy: v.pipe(
    v.optional(v.picklist(['reservoir', 'balanced', 'ring'])),
    v.description(
      'Who stays: reservoir, every row with equal chances · balanced, as many rows of each class (classify only) · ring, the last rows. When absent: balanced for classify, reservoir otherwise.',
    ),
  ),
  rows: v.pipe(v.optional(integer(1, 1_000_000), 200), v.description('Rows there is room for, 1 … 1000000.')),
  replay: v.pipe(
    v.optional(v.union([integer(0, 1000), v.literal('auto')]), 'auto'),
    v.description('Remembered rows learned from after every row, 0 … 1000. auto: 3.'),
  ),
  budgetUs: v.pipe(
    v.optional(finite(Number.MIN_VALUE, 'a finite number > 0')),
    v.description(
      'Microseconds a row may take on this machine with its replayed ones: `edgegrad run` measures once, at a fresh start, how many of `replay` fit, and keeps to that number in checkpoint and recording. Absent: all of them.',
    ),
  ),
});

/** A held-out probe, which shows what has been forgotten. */
export const monitorSchema = v.strictObject({
  every: v.pipe(
    v.optional(integer(2, 1e6), 20),
    v.description('One labelled row in this many is never learned from, and kept as the probe.'),
  ),
  rows: v.pipe(
    v.optional(integer(1, 100_000), 100),
    v.description('Rows of the probe; of all held out, every one with equal chances.'),
  ),
  interval: v.pipe(v.optional(integer(1, 1e9), 500), v.description('Labelled rows between two looks at the probe.')),
  drop: v.pipe(
    v.optional(
      v.pipe(
        v.number(),
        v.check((n) => n > 0 && n <= 1, 'a number above 0, at most 1'),
      ),
      0.3,
    ),
    v.description(
      'Part of the skill on the probe that may be lost, against the best state known, before it counts as forgetting.',
    ),
  ),
  rollback: v.pipe(
    v.optional(v.boolean(), false),
    v.description(
      'Whether the best state is put back then. For laws that stay: one that has changed cannot be learned.',
    ),
  ),
});
