/**
 * A named span of the arena.
 *
 * `vector`: `shape[0]` values in order ·
 * `columns`: `shape[1]` columns of `shape[0]` values, each column padded to a multiple of 4 ·
 * `panels`: a matrix `[out, in]` in row panels, see `panelIndex` ·
 * `dense`: `shape` row-major without padding · `words`: 32-bit integers
 */
export interface Region {
  readonly name: string;
  readonly layout: 'vector' | 'columns' | 'panels' | 'dense' | 'words';
  readonly shape: readonly number[];
  /** First element, counted in 32-bit elements from the start of the arena; a multiple of 4. */
  readonly offset: number;
  /** Elements, padding included; a multiple of 4. */
  readonly floats: number;
}

export const pad4 = (n: number): number => (n + 3) & ~3;

/**
 * Where element (row, column) of a matrix in row panels lies, from the start of its region.
 * Four rows make a panel; within it, blocks of four columns follow each other, each block row by row, so that
 * forward, ∂ℓ/∂a and the rank-1 update all walk the same bytes in the same order.
 */
export function panelIndex(row: number, column: number, columnStride: number): number {
  return (row >> 2) * 4 * columnStride + (column >> 2) * 16 + (row & 3) * 4 + (column & 3);
}

/** Regions one behind the other, each on a 16-byte border. */
export class Space {
  readonly regions: Region[] = [];

  /**
   * @param guardFloats elements left free behind each region
   * @param floats elements from the start of the arena to the first region, and in the end to behind the last one
   */
  constructor(
    private readonly guardFloats: number,
    public floats = 0,
  ) {}

  take(name: string, layout: Region['layout'], shape: readonly number[]): Region {
    const [rows, columns = 1] = shape as [number, number?];
    const floats = {
      vector: () => pad4(rows),
      words: () => pad4(rows),
      dense: () => pad4(rows * columns),
      columns: () => pad4(rows) * columns,
      panels: () => pad4(rows) * pad4(columns),
    }[layout]();
    const region: Region = Object.freeze({ name, layout, shape, offset: this.floats, floats });
    this.regions.push(region);
    this.floats += floats + this.guardFloats;
    return region;
  }
}
