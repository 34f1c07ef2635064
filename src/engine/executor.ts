import { instantiateKernels, type Kernels, simdRefusal } from '../kernels/index.js';
import { CONSTANTS, layout as L, type Plan } from '../plan/index.js';
import { createReferenceExecutor } from '../reference/index.js';
import { EngineError, wrongArgument } from './errors.js';

/** `simd`: WebAssembly kernels · `reference`: plain TypeScript, bit for bit the same, 10 to 30 times slower. */
export type ExecutorKind = 'simd' | 'reference';

/** What runs a plan's op records over an arena. Every function takes the element offset of a plan's header. */
export type Executor = Kernels;

/** The one allocation of a network, or of several side by side, with the executor that works on it. */
export interface Arena {
  readonly kind: ExecutorKind;
  readonly executor: Executor;
  readonly floats: Float32Array;
  readonly words: Int32Array;
  readonly counts: Uint32Array;
}

/**
 * Allocates the arena that plans one behind the other ask for, writes constants and plans into it, and sets the executor
 * up. It never grows.
 *
 * @param bytes of the whole arena, where something lies behind the last plan
 * @throws EngineError where `simd` is asked for and this machine has none
 */
export function createArena(
  plans: readonly Plan[],
  wanted: ExecutorKind | 'auto',
  bytes = plans[plans.length - 1].bytes,
): Arena {
  if (!['auto', 'simd', 'reference'].includes(wanted)) {
    throw wrongArgument('executor', `"${wanted}"`, '"auto", "simd" or "reference"');
  }
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
  const floats = bytes / 4;
  let buffer: ArrayBuffer;
  let executor: Executor;
  if (kind === 'simd') {
    ({ buffer, kernels: executor } = instantiateKernels(bytes));
  } else {
    buffer = new ArrayBuffer(bytes);
    executor = createReferenceExecutor(buffer);
  }
  const arena: Arena = {
    kind,
    executor,
    floats: new Float32Array(buffer, 0, floats),
    words: new Int32Array(buffer, 0, floats),
    counts: new Uint32Array(buffer, 0, floats),
  };
  CONSTANTS.forEach(([, value], i) => {
    arena.floats.fill(value, 4 * i, 4 * i + 4);
  });
  for (const plan of plans) {
    arena.words.set(plan.words, plan.region('plan').offset);
    for (const { region, values } of plan.initial) arena.floats.set(values, region.offset);
    const state = plan.region('state').offset;
    for (const [word, value] of Object.entries(stateNumbers(plan))) arena.floats[state + Number(word)] = value;
    new Float64Array(buffer).fill(1, (state + L.S_BETA1_POWER) / 2, (state + L.S_BETA2_POWER) / 2 + 1);
  }
  return arena;
}

/** What the float32 state words hold before the first step. */
function stateNumbers({ examples, network }: Plan): Record<number, number> {
  const { optimizer } = network;
  const isAdaptive = 'epsilon' in optimizer;
  const momentum = 'beta1' in optimizer ? optimizer.beta1 : 'momentum' in optimizer ? optimizer.momentum : 0;
  const rho = 'beta2' in optimizer ? optimizer.beta2 : 'rho' in optimizer ? optimizer.rho : 0;
  const epsilon = isAdaptive ? (optimizer.epsilon as number) : 1;
  return {
    [L.S_LOSS]: Number.NaN,
    [L.S_RATE]: optimizer.rate,
    [L.S_BIAS_RATE]: optimizer.biasRate,
    [L.S_PARAMETER_BOUND]: Number.POSITIVE_INFINITY,
    [L.S_INVERSE_EXAMPLES]: 1 / examples,
    [L.S_INVERSE_ROWS]: 1 / (examples * optimizer.accumulate),
    [L.S_MOMENTUM]: momentum ?? 0,
    [L.S_RHO]: rho ?? 0,
    [L.S_EPSILON]: Math.max(epsilon, 2 ** -126),
    [L.S_DECAY]: optimizer.decay,
    [L.S_CLIP_VALUE]: optimizer.clipValue ?? Number.POSITIVE_INFINITY,
    [L.S_CLIP_NORM]: optimizer.clipNorm ?? Number.POSITIVE_INFINITY,
    [L.S_MOST_STEPS]: isAdaptive ? mostSteps(momentum ?? 0, rho ?? 0, epsilon) : Number.POSITIVE_INFINITY,
  };
}

/**
 * How many times η/(1 − β₁ᵗ) one update of adam (rmsprop: β₁ = 0) can be at most: by Cauchy's inequality the average of g
 * is at most (1 − β₁)/√((1 − β₂)(1 − β₁²/β₂)) times the root of that of g²; a little more where that one has vanished.
 */
function mostSteps(beta1: number, beta2: number, epsilon: number): number {
  const shrinking = 1 - (beta1 * beta1) / beta2;
  if (!(shrinking > 1e-3)) return Number.POSITIVE_INFINITY;
  const ratio = (1 - beta1) / Math.sqrt((1 - beta2) * shrinking);
  return 1.01 * ratio * (1 + 2 ** -49 / epsilon);
}
