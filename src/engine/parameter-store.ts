import type { Tensor } from '../models/index.js';
import { layout as L, type Parameter, type Plan, pad4, panelIndex } from '../plan/index.js';
import { wrongArgument } from './errors.js';
import type { Arena } from './executor.js';

/** A parameter of a network: a matrix or a bias, in logical row-major order whatever the arena's layout. */
export interface ParameterView {
  /** `layers.0.weight`, `layers.0.bias`, `shortcut.weight`. */
  readonly name: string;
  /** `[out, in]` of a weight, `[out]` of a bias; of a layerNorm both `[units]`. */
  readonly shape: readonly number[];
  /** Copies the values out, into `into` where given. */
  read(into?: Float32Array): Float32Array;
  /** Copies the values in. @throws EngineError for a wrong count or a value that is not finite */
  write(values: ArrayLike<number>): void;
}

export function sizeOf({ shape }: { readonly shape: readonly number[] }): number {
  return shape.reduce((n, side) => n * side, 1);
}

/**
 * Parameters, and what lies `shift` elements behind each of them (gradients, optimizer states), between the arena's
 * layout and logical order.
 */
export class ParameterStore {
  readonly #boundAt: number;

  constructor(
    private readonly plan: Plan,
    private readonly arena: Arena,
  ) {
    this.#boundAt = plan.region('state').offset + L.S_PARAMETER_BOUND;
  }

  views(): ParameterView[] {
    return this.plan.parameters.map((parameter) => ({
      name: parameter.name,
      shape: parameter.shape,
      read: (into) => this.read(parameter, 0, into),
      write: (values) => this.write(parameter, values, 0),
    }));
  }

  read(parameter: Parameter, shift: number, into: Float32Array = new Float32Array(sizeOf(parameter))): Float32Array {
    const { floats } = this.arena;
    this.#each(`read of ${parameter.name}`, parameter, into.length, (at, k) => {
      into[k] = floats[at + shift];
    });
    return into;
  }

  write(parameter: Parameter, values: ArrayLike<number>, shift: number): void {
    for (let k = 0; k < values.length; k++) {
      if (!Number.isFinite(Math.fround(values[k]))) {
        throw wrongArgument(`write of ${parameter.name}`, String(values[k]), 'values finite in float32');
      }
    }
    const { floats } = this.arena;
    this.#each(`write of ${parameter.name}`, parameter, values.length, (at, k) => {
      floats[at + shift] = values[k];
    });
    floats[this.#boundAt] = Number.POSITIVE_INFINITY;
  }

  /** Copies of all, as tensors. */
  tensors(prefix: string, shift: number): Tensor[] {
    return this.plan.parameters.map((parameter) => ({
      name: prefix + parameter.name,
      shape: parameter.shape,
      dtype: 'F32',
      data: this.read(parameter, shift),
    }));
  }

  /** Largest magnitude among what lies `shift` behind the parameters; 0 where nothing does. */
  peak(shift: number): number {
    let peak = 0;
    if (shift === 0) return peak;
    for (const { region } of this.plan.parameters) {
      const from = region.offset + shift;
      for (let i = 0; i < region.floats; i++) peak = Math.max(peak, Math.abs(this.arena.floats[from + i]));
    }
    return peak;
  }

  /** Calls `visit` with the place in the arena and in row-major order of every element, after waiting updates are made. */
  #each(what: string, parameter: Parameter, length: number, visit: (at: number, k: number) => void): void {
    const { shape, region } = parameter;
    if (length !== sizeOf(parameter)) throw wrongArgument(what, `${length} values`, `${sizeOf(parameter)}`);
    this.arena.executor.settle(this.plan.region('plan').offset);
    const [rows, columns = 1] = shape;
    const stride = pad4(columns);
    for (let i = 0, k = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++, k++) {
        visit(region.offset + (region.layout === 'panels' ? panelIndex(i, j, stride) : i), k);
      }
    }
  }
}
