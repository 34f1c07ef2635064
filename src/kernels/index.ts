import { KERNELS } from './wasm.generated.js';

/** The functions the kernels export; each takes the element offset of a plan's header. */
export interface Kernels {
  forward(plan: number): void;
  /**
   * Returns 1 where the step was taken, 0 where it was refused; the loss is left in the state word S_LOSS. (A small integer is
   * never boxed, as a double may be.)
   */
  step(plan: number): number;
  /** `step` on the row and parameters `forward` has been called with last. */
  stepForwarded(plan: number): number;
  gradient(plan: number): number;
  /** Makes an update that was put off; before parameters are read or written from outside. */
  settle(plan: number): void;
  stepRows(plan: number, count: number): number;
  // The same for a tracker bank; each takes the element offset of its words.
  predictTrackers(bank: number): void;
  /** @param isPredicted 1 where `predictTrackers` has been called on the same row and state last, else 0 */
  learnTrackers(bank: number, isPredicted: number): void;
  settleTrackers(bank: number): void;
  // The same for networks and a bank side by side; each takes the element offset of their list.
  predictGroup(group: number): void;
  /** @returns how many steps were refused */
  learnGroup(group: number, isForwarded: number): number;
  // The same for a mixture; each takes the element offset of its words.
  /** @param isNaiveOut 1 where the naive predictor is left out, else 0 */
  predictMixture(mixture: number, slot: number, isNaiveOut: number): void;
  judgeMixture(mixture: number, slot: number): void;
  /** @returns how many steps were refused */
  learnMixture(mixture: number, isForwarded: number): number;
  softenMixture(mixture: number): void;
  weighMixture(mixture: number): void;
}

/** Single functions, for tests that sweep them. */
export interface ElementaryKernels {
  elementary(which: number, from: number, n: number): void;
  activation(kind: number, from: number, n: number): void;
}

let compiled: WebAssembly.Module | undefined;

function kernelBytes(): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(KERNELS), (c) => c.charCodeAt(0));
}

/** Why the SIMD kernels cannot be used here, or undefined where they can. */
export function simdRefusal(): string | undefined {
  if (typeof WebAssembly === 'undefined') return 'no WebAssembly here';
  // On 32-bit ARM the SIMD unit flushes subnormals to zero, so results would differ from every other machine.
  if (typeof process !== 'undefined' && process.arch === 'arm') return '32-bit ARM flushes subnormals in SIMD';
  if (compiled === undefined && !WebAssembly.validate(kernelBytes())) return 'no WebAssembly SIMD here';
  return undefined;
}

const PAGE_BYTES = 65536;

/** The kernels over a memory of their own of at least `bytes`. The module is compiled once a process. */
export function instantiateKernels(bytes: number): { buffer: ArrayBuffer; kernels: Kernels & ElementaryKernels } {
  compiled ??= new WebAssembly.Module(kernelBytes());
  const pages = Math.ceil(bytes / PAGE_BYTES);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory } });
  return { buffer: memory.buffer, kernels: exports as unknown as Kernels & ElementaryKernels };
}
