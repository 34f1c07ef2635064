/**
 * One array of a part's state, borrowed: whoever saves copies it, whoever restores writes into it.
 * All values are finite at all times.
 */
export interface StateArray {
  name: string;
  shape: number[];
  data: Float32Array | Float64Array | Int32Array;
}
