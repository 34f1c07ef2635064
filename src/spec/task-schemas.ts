import * as v from 'valibot';
import { between, integer, name } from './schema-kinds.js';

export const STATISTICS = ['mean', 'deviation', 'slope', 'min', 'max'] as const;

const someColumns = v.optional(
  v.pipe(
    v.array(name),
    v.check((list) => list.length > 0, 'at least one column name'),
  ),
);

/** A number stands for a lag of so many rows, of all columns. */
const lagSchema = v.pipe(
  v.unknown(),
  v.transform((value) => (typeof value === 'number' ? { rows: value } : value)),
  v.strictObject({ rows: integer(1, 10000), columns: someColumns }),
);

const windowSchema = v.strictObject({
  rows: integer(2, 10000),
  of: v.pipe(
    v.array(v.picklist(STATISTICS)),
    v.check((list) => list.length > 0 && new Set(list).size === list.length, 'at least one, each once'),
  ),
  columns: someColumns,
});

export const taskSchema = v.strictObject({
  kind: v.pipe(
    v.picklist(['regress', 'classify', 'forecast', 'anomaly']),
    v.description(
      'regress predicts numbers of the same row, classify one class column, forecast numbers some rows ahead, anomaly tells rows that are not as expected.',
    ),
  ),
  features: v.pipe(
    v.array(name),
    v.check((list) => list.length > 0, 'at least one column name'),
    v.description('Columns the network sees.'),
  ),
  lags: v.pipe(
    v.optional(
      v.pipe(
        v.array(lagSchema),
        v.check((list) => list.length <= 256, 'at most 256 lags'),
      ),
    ),
    v.description(
      'Values of earlier rows as further inputs: [1, 2, 5], or { rows = 1, columns = ["temp"] } of some columns; absent: of all number and angle features. 1 … 10000 rows. Where that row was lost or the value missing, it is the last one before; at the start and after a gap, the oldest known. When absent: none; for anomaly [1, 2], with an autoencoder [1, 2, 3].',
    ),
  ),
  windows: v.pipe(
    v.optional(
      v.pipe(
        v.array(windowSchema),
        v.check((list) => list.length <= 64, 'at most 64 windows'),
      ),
      [],
    ),
    v.description(
      'Statistics of the last rows, the current one included, as further inputs: { rows = 20, of = ["mean", "deviation", "slope", "min", "max"] }, with columns = ["temp"] of some. 2 … 10000 rows; slope: change per row. At the start and after a gap, of the rows there are.',
    ),
  ),
  targets: v.pipe(
    v.optional(v.array(name), []),
    v.description(
      'Columns it predicts; exactly one, of kind class, for classify; may be features too for forecast, not otherwise; none for anomaly, at least one for the others.',
    ),
  ),
  horizons: v.pipe(
    v.optional(
      v.pipe(
        v.array(integer(1, 10000)),
        v.check((list) => list.length <= 32 && new Set(list).size === list.length, 'at most 32 numbers, each once'),
      ),
      [],
    ),
    v.description(
      'forecast only, and required there: how many rows ahead, [1, 12], 1 … 10000. Each is predicted as change from now and learned when that row has come.',
    ),
  ),
  delay: v.pipe(
    v.optional(integer(0, 100000)),
    v.description(
      'Rows between a prediction and the use of its truth: the label printed in row i is used when row i + delay arrives. When absent: 1 (test, then train), or 0 with labelAge.',
    ),
  ),
  labelAge: v.pipe(
    v.optional(integer(0, 100000), 0),
    v.description('The label printed in row i is the truth of row i − labelAge: a device that measures late.'),
  ),
  labelWait: v.pipe(
    v.optional(integer(0, 100000), 0),
    v.description(
      'Rows that are kept waiting for a label from outside the rows: a message of the device, a person. 0: labels come in rows only; otherwise rows need not carry the targets.',
    ),
  ),
  warmup: v.pipe(
    v.optional(integer(0, 1e9)),
    v.description(
      'First rows that are learned from but not scored, or raise no alarm. When absent: 100; 500 for anomaly.',
    ),
  ),
  method: v.pipe(
    v.optional(v.picklist(['residual', 'autoencoder'])),
    v.description(
      'anomaly only: residual goes by how far every number and angle feature is from its forecast of one row before, autoencoder by what a narrow network cannot give back of all inputs. When absent: residual.',
    ),
  ),
  alarmRate: v.pipe(
    v.optional(
      v.pipe(
        v.number(),
        v.check((n) => n > 0 && n <= 0.5, 'a number > 0 and ≤ 0.5'),
      ),
    ),
    v.description(
      'anomaly only: the share of rows that is to be in alarm; the threshold moves to keep it. When absent: 0.01.',
    ),
  ),
  hold: v.pipe(
    v.optional(integer(1, 10000)),
    v.description('anomaly only: rows above the threshold, one after the other, that raise an alarm. When absent: 1.'),
  ),
  release: v.pipe(
    v.optional(integer(1, 10000)),
    v.description('anomaly only: rows not above it, one after the other, that end the alarm. When absent: 3.'),
  ),
  window: v.pipe(
    v.optional(integer(1, 100000), 200),
    v.description('Rows of the windowed scores, and about as many of the fading ones.'),
  ),
  quantiles: v.pipe(
    v.optional(
      v.pipe(
        v.array(v.number()),
        v.check(
          (list) => list.length <= 16 && list.every((q, i) => q > (list[i - 1] ?? 0) && q < 1),
          'at most 16 numbers between 0 and 1, ascending',
        ),
      ),
      [],
    ),
    v.description(
      'regress with a declared network: quantiles of every target that are predicted, ascending; the prediction is the one nearest 0.5.',
    ),
  ),
  interval: v.pipe(
    v.optional(between(0, 1), 0.9),
    v.description(
      'Of predicted numbers: part of the truths that is to lie inside the interval around a prediction; 0: no intervals.',
    ),
  ),
});
