import type { Random } from '../engine/index.js';
import type { NetworkSpec, ResolvedNetwork } from '../spec/index.js';

/** Standard-normal-like values: the sum of a few uniforms. */
export function randomRow(random: Random, n: number, scale = 1): number[] {
  return Array.from({ length: n }, () => {
    let s = 0;
    for (let i = 0; i < 4; i++) s += random.uniform() - 0.5;
    return Math.fround(scale * s * Math.sqrt(3));
  });
}

/** A target of n values the loss can want: a distribution, probabilities, or any numbers. */
export function randomTarget(random: Random, loss: NetworkSpec['loss'], n: number): number[] {
  const kind = typeof loss === 'string' ? loss : loss.kind;
  if (kind === 'binaryCrossEntropy') return Array.from({ length: n }, () => random.next() % 2);
  if (kind !== 'crossEntropy') return randomRow(random, n);
  const hot = random.next() % n;
  return Array.from({ length: n }, (_, i) => (i === hot ? 1 : 0));
}

/** Values a target has: one for each output, or for each group of quantiles. */
export function targetsOf({ layers, loss }: Pick<ResolvedNetwork, 'layers' | 'loss'>): number {
  const last = layers[layers.length - 1];
  const outputs = last.kind === 'dense' ? last.units : 0;
  return loss.kind === 'quantile' ? outputs / loss.quantiles.length : outputs;
}
