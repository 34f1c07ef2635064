import { SpecError } from '../spec/errors.js';
import { type DeviceColumn, type DeviceSchema, decodeColumn, schemaProblem } from './device-schema.js';
import type { FrameDecoderOptions } from './frame-options.js';
import { RowLayout } from './row-layout.js';
import { type DeclaredColumns, matchSchema } from './schema-match.js';

/** What a device's rows and labels are, as its last HELLO said; nothing before the first. */
export class SchemaInForce {
  /** Which schema frames must name. */
  hash = 0;
  /** How rows and labels are read; null while that is not known. */
  rows: RowLayout | null = null;
  labels: RowLayout | null = null;
  /** Why they are not taken; null where they are. */
  problem: SpecError | null = null;
  /** The columns; null while they are not known. */
  known: DeviceSchema | null = null;
  /** The encoded columns of the schema in force, or of the one last refused. */
  private encoded: readonly Uint8Array[] = [];

  constructor(
    private readonly declared: DeclaredColumns,
    private readonly options: FrameDecoderOptions,
  ) {}

  /** Puts the columns of a HELLO in force, where they are other ones; tells of them, and of what does not fit. */
  take(hash: number, encoded: readonly Uint8Array[]): void {
    if (isSame(encoded, this.encoded)) return;
    this.forget();
    this.encoded = encoded;
    const columns = encoded.map(decodeColumn);
    const wrong = schemaProblem(columns);
    if (wrong !== null) {
      this.options.onMismatch?.(
        new SpecError('BRIDGE_SCHEMA', {
          where: "the device's HELLO",
          found: wrong,
          expected: 'row columns, then label columns; rows of at most 236 bytes',
        }),
      );
      return;
    }
    const { labels, row } = this.options;
    const match = matchSchema(columns, this.declared, {
      names: labels?.names ?? [],
      units: labels?.units ?? labels?.names.map(() => '') ?? [],
    });
    const isLabel = (column: DeviceColumn) => column.label;
    this.hash = hash;
    this.rows = new RowLayout(
      columns.filter((column) => !isLabel(column)),
      match.rows,
      row.length,
    );
    this.labels = new RowLayout(columns.filter(isLabel), match.labels, labels?.values.length ?? 0);
    this.problem = match.problem;
    this.known = { hash, columns };
    this.options.onSchema?.(this.known);
    if (match.problem !== null) this.options.onMismatch?.(match.problem);
  }

  forget(): void {
    this.encoded = [];
    this.hash = 0;
    this.rows = null;
    this.labels = null;
    this.problem = null;
    this.known = null;
  }
}

function isSame(a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  return (
    a.length === b.length &&
    a.every((column, i) => column.length === b[i].length && column.every((x, j) => x === b[i][j]))
  );
}
