import * as v from 'valibot';
import { layersSchema, optimizerSchema } from './network-schemas.js';
import { finite, integer } from './schema-kinds.js';

const consolidationEntries = {
  strength: v.pipe(finite(0, 'a finite number ≥ 0'), v.description('λ of ewc, c of si; 0 does nothing.')),
  interval: v.pipe(
    v.optional(integer(1, 1e9), 500),
    v.description('Steps after which what was learned is consolidated, as at the end of a task.'),
  ),
};

export const consolidationSchemas = [
  v.strictObject({
    kind: v.pipe(
      v.literal('ewc'),
      v.description('Online elastic weight consolidation: importance is the Fisher information of an interval.'),
    ),
    ...consolidationEntries,
    keep: v.pipe(
      v.optional(
        v.pipe(
          v.number(),
          v.check((n) => n >= 0 && n <= 1, 'a number from 0 to 1'),
        ),
        0.9,
      ),
      v.description('γ: what is left of older importances after an interval.'),
    ),
  }),
  v.strictObject({
    kind: v.pipe(
      v.literal('si'),
      v.description('Synaptic intelligence: importance is what a weight has contributed to the fall of the loss.'),
    ),
    ...consolidationEntries,
    damping: v.pipe(
      v.optional(finite(Number.MIN_VALUE, 'a finite number > 0'), 0.1),
      v.description('ξ: keeps the importance of weights that hardly moved finite.'),
    ),
  }),
] as const;

export const consolidationSchema = v.variant('kind', [...consolidationSchemas]);

/** The part of a network a user chooses for a task; inputs, output layer and loss follow from the task. */
export const taskNetworkEntries = {
  layers: v.pipe(
    v.optional(layersSchema),
    v.description(
      'Hidden layers, from the inputs up; an empty list is a linear model. When absent: one dense layer of 16 tanh units.',
    ),
  ),
  optimizer: v.pipe(
    v.optional(optimizerSchema),
    v.description('When absent: sgd, rate 0.02 for regress, 0.05 for classify.'),
  ),
  outputInitialiser: v.pipe(
    v.optional(v.picklist(['xavier', 'he', 'zeros'])),
    v.description("How the output layer's weights start. When absent: xavier."),
  ),
  shortcut: v.pipe(
    v.optional(v.boolean()),
    v.description('Adds a linear path from the inputs to the outputs. When absent: false.'),
  ),
  safety: v.pipe(
    v.optional(v.boolean()),
    v.description(
      'Shortens steps that would overshoot, and gives the naive prediction while the network is more than twice as wrong; both are counted. When absent: true.',
    ),
  ),
  consolidation: v.pipe(
    v.optional(consolidationSchema),
    v.description(
      'Holds weights that were important for what was learned before: { kind = "ewc", strength, interval, keep } or { kind = "si", strength, interval, damping }. Absent: none.',
    ),
  ),
};
