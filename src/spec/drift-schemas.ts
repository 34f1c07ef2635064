import * as v from 'valibot';
import { finite, integer } from './schema-kinds.js';

// Keys, ranges and defaults of [[drift]] tables.

/** What is done about a change. */
export const POLICIES = ['note', 'raiseRates', 'forgetScalers', 'freshLearner', 'snapshot'] as const;

const share = (what: string) =>
  v.pipe(
    v.number(),
    v.check((n) => n > 0 && n < 1, what),
  );

const factor = v.pipe(
  v.number(),
  v.check((n) => n >= 1 && n <= 1000, 'a number from 1 to 1000'),
);

const commonEntries = {
  on: v.pipe(
    v.optional(v.string(), 'loss'),
    v.description(
      'What is watched: "loss", how wrong each scored prediction was, 0 … 1 (of numbers |error| in deviations of the target, cut at 3, by 3; of classes 1 where it was wrong), or a column of kind number or class.',
    ),
  ),
  policy: v.pipe(
    v.optional(v.picklist(POLICIES), 'note'),
    v.description(
      'What a change leads to: note: it is told and counted, as it always is · raiseRates: learn faster for a while · forgetScalers: the scales of features and targets are learned anew · freshLearner: the worst network of the race begins anew · snapshot: the daemon keeps a checkpoint aside.',
    ),
  ),
  rows: v.pipe(
    v.optional(integer(1, 1e9)),
    v.description(
      'raiseRates: labels learned from until rates are as before; when absent: 500. forgetScalers: rows that what is known still counts as; when absent: 100.',
    ),
  ),
  factor: v.pipe(v.optional(factor), v.description('raiseRates: how many times as fast, 1 … 1000. When absent: 4.')),
  keep: v.pipe(
    v.optional(integer(1, 1000)),
    v.description('snapshot: checkpoints kept aside, the oldest goes. When absent: 3.'),
  ),
};

const direction = v.pipe(
  v.optional(v.picklist(['up', 'down', 'both'])),
  v.description('Which change of the mean is told. When absent: up for the loss, both for a column.'),
);

const grace = (rows: number, least: number) =>
  v.pipe(
    v.optional(integer(least, 1e6), rows),
    v.description('Values before it judges, since the start or the last change.'),
  );

const positive = finite(Number.MIN_VALUE, 'a finite number > 0');

export const adwinSchema = v.strictObject({
  detector: v.pipe(
    v.literal('adwin'),
    v.description('Adaptive window (Bifet & Gavaldà 2007): a window as long as its mean has not changed.'),
  ),
  ...commonEntries,
  delta: v.pipe(
    v.optional(share('a number between 0 and 1'), 0.002),
    v.description('δ: probability of a false alarm at a check, at most.'),
  ),
  buckets: v.pipe(v.optional(integer(1, 64), 5), v.description('M: buckets of each size; more of them, finer cuts.')),
  every: v.pipe(v.optional(integer(1, 1e6), 32), v.description('Values from one check to the next.')),
  grace: grace(10, 10),
  direction,
  range: v.pipe(
    v.optional(positive),
    v.description(
      'Between the least and the largest value there can be. When absent: 1 for the loss, for a column what there has been.',
    ),
  ),
});

export const ddmSchema = v.strictObject({
  detector: v.pipe(
    v.literal('ddm'),
    v.description('Drift detection method (Gama et al. 2004): the error rate of a classifier above its least.'),
  ),
  ...commonEntries,
  warning: v.pipe(v.optional(positive, 2), v.description('Spreads above the least error rate at which it warns.')),
  drift: v.pipe(v.optional(positive, 3), v.description('The same at which there is a change.')),
  grace: grace(30, 1),
});

export const pageHinkleySchema = v.strictObject({
  detector: v.pipe(
    v.literal('pageHinkley'),
    v.description('Page–Hinkley test (Page 1954): what deviations from the mean add up to.'),
  ),
  ...commonEntries,
  delta: v.pipe(
    v.optional(finite(0, 'a finite number ≥ 0'), 0.005),
    v.description('δ: changes of the mean as small as this are let pass.'),
  ),
  lambda: v.pipe(
    v.optional(positive, 50),
    v.description('λ: the larger, the fewer false alarms and the later the true ones.'),
  ),
  alpha: v.pipe(
    v.optional(
      v.pipe(
        v.number(),
        v.check((n) => n > 0 && n <= 1, 'a number above 0 and at most 1'),
      ),
      0.9999,
    ),
    v.description('α: what is left of a sum after a value, 0 < α ≤ 1.'),
  ),
  grace: grace(30, 2),
  direction,
  scale: v.pipe(
    v.optional(positive),
    v.description(
      'Values are divided by it. When absent: 1 for the loss, for a column four deviations of its first `grace` values.',
    ),
  ),
});

export const kswinSchema = v.pipe(
  v.strictObject({
    detector: v.pipe(
      v.literal('kswin'),
      v.description('Kolmogorov–Smirnov windowing (Raab et al. 2020): the latest values against those before.'),
    ),
    ...commonEntries,
    alpha: v.pipe(
      v.optional(share('a number between 0 and 1'), 0.005),
      v.description(
        'α of one test. There is one at every value: on noise, 0.005 alarms about every 700 values, 0.0001 every 100 000.',
      ),
    ),
    window: v.pipe(v.optional(integer(4, 100_000), 100), v.description('n: values in the window.')),
    recent: v.pipe(
      v.optional(integer(2, 50_000), 30),
      v.description('r: the latest of them, compared with as many of the others; at most n/2.'),
    ),
    direction,
  }),
  v.check(({ window, recent }) => 2 * recent <= window, '"recent" of at most half of "window"'),
);

export const driftSchemas = [adwinSchema, ddmSchema, pageHinkleySchema, kswinSchema] as const;

export const driftSchema = v.pipe(
  v.variant('detector', [...driftSchemas]),
  v.check(
    ({ rows, policy }) => rows === undefined || policy === 'raiseRates' || policy === 'forgetScalers',
    '"rows" only with a policy of "raiseRates" or "forgetScalers"',
  ),
  v.check(
    ({ factor, policy }) => factor === undefined || policy === 'raiseRates',
    '"factor" only with a policy of "raiseRates"',
  ),
  v.check(({ keep, policy }) => keep === undefined || policy === 'snapshot', '"keep" only with a policy of "snapshot"'),
);

export const driftListSchema = v.pipe(
  v.array(driftSchema),
  v.check((list) => list.length <= 64, 'at most 64 tables'),
);
