import { instantiateKernels, type Kernels, simdRefusal } from '../kernels/index.js';
import { CONSTANTS, layout as L, type Plan } from '../plan/index.js';
import { createReferenceExecutor } from '../reference/index.js';
import { EdgegradError } from '../spec/index.js';

/** Something about this machine or call keeps a network from being made. */
export class EngineError extends EdgegradError {}

/** `simd`: WebAssembly kernels · `reference`: plain TypeScript, bit for bit the same, 10 to 30 times slower. */
export type ExecutorKind = 'simd' | 'reference';

/** What runs a plan's op records over an arena. Every function takes the element offset of a plan's header. */
export type Executor = Kernels;

/** The one allocation of a network, with the executor that works on it. */
export interface Arena {
  readonly kind: ExecutorKind;
  readonly executor: Executor;
  readonly floats: Float32Array;
  readonly words: Int32Array;
  readonly counts: Uint32Array;
}

/**
 * Allocates the arena a plan asks for, writes constants and plan into it, and sets the executor up. It never grows.
 *
 * @throws EngineError where `simd` is asked for and this machine has none
 */
export function createArena(plan: Plan, wanted: ExecutorKind | 'auto'): Arena {
  const refusal = wanted === 'reference' ? undefined : simdRefusal();
  if (wanted === 'simd' && refusal !== undefined) {
    throw new EngineError('ENGINE_NO_SIMD', {
      where: 'executor',
      found: refusal,
      expected: 'WebAssembly with 128-bit SIMD',
      remedy: 'use executor "auto" or "reference"',
    });
  }
  const kind = wanted === 'reference' || refusal !== undefined ? 'reference' : 'simd';
  let buffer: ArrayBuffer;
  let executor: Executor;
  if (kind === 'simd') {
    ({ buffer, kernels: executor } = instantiateKernels(plan.bytes));
  } else {
    buffer = new ArrayBuffer(plan.bytes);
    executor = createReferenceExecutor(buffer);
  }
  const arena: Arena = {
    kind,
    executor,
    floats: new Float32Array(buffer, 0, plan.floats),
    words: new Int32Array(buffer, 0, plan.floats),
    counts: new Uint32Array(buffer, 0, plan.floats),
  };
  CONSTANTS.forEach(([, value], i) => {
    arena.floats.fill(value, 4 * i, 4 * i + 4);
  });
  arena.words.set(plan.words, plan.region('plan').offset);
  const state = plan.region('state').offset;
  arena.floats[state + L.S_LOSS] = Number.NaN;
  arena.floats[state + L.S_RATE] = plan.network.optimizer.rate;
  arena.floats[state + L.S_PARAMETER_BOUND] = Number.POSITIVE_INFINITY;
  arena.floats[state + L.S_INVERSE_EXAMPLES] = 1 / plan.examples;
  return arena;
}
