import { layout as L } from '../plan/index.js';

// One element at a time: gradient in, optimizer state and parameter rewritten. The order of roundings is the contract.

const f = Math.fround;

/** States nearer to 0 than this are 0, so that none lingers among the subnormals, slow and different on some machines. */
const VANISHED = 2 ** -100;

const vanish = (v: number): number => (Math.abs(v) < VANISHED ? 0 : v);

/** The numbers of one update, the same for every element of a group. */
export interface Update {
  optimizer: number;
  /** Multiplies g; 1 without clipping by norm. */
  scale: number;
  clipValue: number;
  /** λ of this group; 0 for biases. */
  decay: number;
  /** η; of adam already divided by 1 − β₁ᵗ. */
  rate: number;
  /** η·λ of adamw. */
  shrink: number;
  /** µ, β₁ */
  momentum: number;
  /** ρ, β₂ */
  rho: number;
  epsilon: number;
  /** 1/√(1 − β₂ᵗ) of adam. */
  correction: number;
}

/**
 * Updates one parameter from its gradient.
 *
 * @param p, s1, s2 element offsets of the parameter and of its states, where the optimizer has them
 * @hot
 */
export function updateOne(mem: Float32Array, u: Update, p: number, s1: number, s2: number, gradient: number): void {
  let g = f(gradient * u.scale);
  if (g > u.clipValue) g = u.clipValue;
  if (g < -u.clipValue) g = -u.clipValue;
  const w = mem[p];
  if (u.optimizer !== L.OPTIMIZER_ADAMW) g = f(g + f(u.decay * w));
  switch (u.optimizer) {
    case L.OPTIMIZER_SGD:
      mem[p] = w - f(u.rate * g);
      break;
    case L.OPTIMIZER_MOMENTUM: {
      const b = vanish(f(f(u.momentum * mem[s1]) + g));
      mem[s1] = b;
      mem[p] = w - f(u.rate * b);
      break;
    }
    case L.OPTIMIZER_NESTEROV: {
      const b = vanish(f(f(u.momentum * mem[s1]) + g));
      mem[s1] = b;
      mem[p] = w - f(u.rate * f(g + f(u.momentum * b)));
      break;
    }
    case L.OPTIMIZER_RMSPROP: {
      const v = vanish(f(f(u.rho * mem[s1]) + f(f(1 - u.rho) * f(g * g))));
      mem[s1] = v;
      mem[p] = w - f(f(u.rate * g) / f(f(Math.sqrt(v)) + u.epsilon));
      break;
    }
    default: {
      const a = vanish(f(f(u.momentum * mem[s1]) + f(f(1 - u.momentum) * g)));
      const v = vanish(f(f(u.rho * mem[s2]) + f(f(1 - u.rho) * f(g * g))));
      mem[s1] = a;
      mem[s2] = v;
      const kept = u.optimizer === L.OPTIMIZER_ADAMW ? f(w - f(u.shrink * w)) : w;
      mem[p] = kept - f(f(u.rate * a) / f(f(f(Math.sqrt(v)) * u.correction) + u.epsilon));
    }
  }
}
