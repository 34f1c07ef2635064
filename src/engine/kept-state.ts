import { CheckpointError, type Tensor, type TensorFile } from '../models/index.js';
import { layout as L, type Parameter, type Plan } from '../plan/index.js';
import { firstDifference, type ResolvedNetwork, resolveNetwork } from '../spec/index.js';

/** What must be kept of a network to go on from it. */
export interface NetworkState {
  readonly tensors: Tensor[];
  readonly metadata: Record<string, string>;
}

/** A kept state that has been looked through: it can be restored without anything going wrong half way. */
export interface CheckedState {
  readonly steps: number;
  readonly accumulated: number;
  readonly rate: number;
  readonly biasRate: number;
  /** Of dropout's draws; undefined where there is no dropout. */
  readonly seed: number | undefined;
  readonly frozen: readonly string[];
  readonly values: readonly {
    readonly parameter: Parameter;
    readonly shift: number;
    readonly data: ArrayLike<number>;
  }[];
  /** β₁ᵗ and β₂ᵗ, where the optimizer has them. */
  readonly powers: ArrayLike<number> | undefined;
}

export function isRate(rate: number): boolean {
  return Number.isFinite(Math.fround(rate)) && rate >= 0;
}

/** The network a checkpoint says it is of. @throws CheckpointError */
export function declaredNetwork({ metadata }: TensorFile, what: string): ResolvedNetwork {
  try {
    return resolveNetwork(JSON.parse(metadata.network ?? 'null'));
  } catch (error) {
    throw new CheckpointError('CHECKPOINT_MISMATCH', {
      where: what,
      found: metadata.network === undefined ? 'no network declaration' : (error as Error).message,
      expected: 'a checkpoint with its network declaration in the metadata',
    });
  }
}

/**
 * Looks a kept state through against a plan.
 *
 * @param layers names of the layers that can be frozen
 * @throws CheckpointError naming what differs or is missing
 */
export function checkState(state: TensorFile, plan: Plan, layers: readonly string[], what: string): CheckedState {
  const { words, optimizerStates, parameters, network } = plan;
  const { metadata, tensors } = state;
  const refuse = (found: string, expected: string) =>
    new CheckpointError('CHECKPOINT_MISMATCH', { where: what, found, expected });
  const difference = firstDifference(declaredNetwork(state, what), network, 'network');
  if (difference) throw refuse(`${difference.path} ${difference.a}`, difference.b);

  const number = (key: string, isRight: (value: number) => boolean): number => {
    const value = Number(metadata[key]);
    if (metadata[key] === undefined || !isRight(value)) throw refuse(`${key} "${metadata[key]}"`, 'a number it can be');
    return value;
  };
  const isCount = (value: number) => Number.isSafeInteger(value) && value >= 0;
  const accumulated = number('accumulated', (n) => isCount(n) && n < network.optimizer.accumulate);
  const frozen = (metadata.frozen ?? '').split(' ').filter((name) => name !== '');
  for (const name of frozen) if (!layers.includes(name)) throw refuse(`frozen "${name}"`, layers.join(', '));

  const spans = [
    { prefix: '', shift: 0 },
    ...optimizerStates.map((name, i) => ({ prefix: `optimizer.${name}.`, shift: words[L.H_TO_STATE1 + i] })),
    ...(accumulated > 0 ? [{ prefix: 'gradient.', shift: words[L.H_TO_GRADIENT] }] : []),
  ];
  const values = spans.flatMap(({ prefix, shift }) =>
    parameters.map((parameter) => {
      const { shape } = parameter;
      const name = prefix + parameter.name;
      const tensor = tensors.get(name);
      if (tensor?.dtype !== 'F32' || String(tensor.shape) !== String(shape)) {
        throw refuse(tensor ? `${name} ${tensor.dtype} [${tensor.shape}]` : `no ${name}`, `${name} F32 [${shape}]`);
      }
      if (!tensor.data.every(Number.isFinite)) throw refuse(`a value in ${name} that is not finite`, 'finite ones');
      return { parameter, shift, data: tensor.data };
    }),
  );
  const powers = optimizerStates.length === 2 ? tensors.get('optimizer.powers') : undefined;
  const isPower = (value: number) => value >= 0 && value <= 1;
  if (optimizerStates.length === 2 && !(powers?.data.length === 2 && powers.data.every(isPower))) {
    throw refuse('no optimizer.powers', 'optimizer.powers F64 [2], from 0 to 1');
  }
  const hasDropout = network.layers.some((layer) => layer.kind === 'dropout');
  return {
    steps: number('steps', isCount),
    accumulated,
    rate: number('rate', isRate),
    biasRate: number('biasRate', isRate),
    seed: hasDropout ? number('seed', (n) => isCount(n) && n < 2 ** 32) : undefined,
    frozen,
    values,
    powers: powers?.data,
  };
}
