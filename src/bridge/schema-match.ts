import { SpecError } from '../spec/errors.js';
import { nearest } from '../spec/nearest.js';
import type { DeviceColumn } from './device-schema.js';
import { list, printable } from './format.js';

/** Columns a program declares, to be found in a device's schema by name. */
export interface DeclaredColumns {
  readonly names: readonly string[];
  readonly required: readonly boolean[];
  readonly ignored: readonly boolean[];
  /** Empty where none is declared. */
  readonly units: readonly string[];
  /** The column the device's clock stands in for; −1 for none. */
  readonly timeColumn: number;
}

/** Where each of a device's columns goes: the index of the declared column of its name, −1 for nowhere. */
export interface Match {
  readonly rows: readonly number[];
  readonly labels: readonly number[];
  /** Why rows of this schema are of no use; null where they are. */
  readonly problem: SpecError | null;
}

/**
 * Finds the declared columns among the row columns of a device, and the label names among its label columns. A name
 * the device has twice is its first.
 */
export function matchSchema(
  columns: readonly DeviceColumn[],
  declared: DeclaredColumns,
  labels: { readonly names: readonly string[]; readonly units: readonly string[] },
): Match {
  const rowColumns = columns.filter((column) => !column.label);
  const labelColumns = columns.filter((column) => column.label);
  const find = (from: readonly DeviceColumn[], names: readonly string[]) => {
    const seen = new Set<string>();
    return from.map(({ name }) => {
      const isFirst = !seen.has(name);
      seen.add(name);
      return isFirst ? names.indexOf(name) : -1;
    });
  };
  const rows = find(rowColumns, declared.names).map((at) => (at >= 0 && declared.ignored[at] ? -1 : at));
  const truths = find(labelColumns, labels.names);
  const problem =
    missingColumn(columns, declared, labels.names) ??
    otherUnit(rowColumns, rows, declared.names, declared.units) ??
    otherUnit(labelColumns, truths, labels.names, labels.units);
  return { rows, labels: truths, problem };
}

/** A required column has to come with the rows; one that comes as a label may be missing there. */
function missingColumn(
  columns: readonly DeviceColumn[],
  declared: DeclaredColumns,
  labelNames: readonly string[],
): SpecError | null {
  const isOffered = (name: string) =>
    columns.some((column) => column.name === name && (!column.label || labelNames.includes(name)));
  const missing = declared.names.filter(
    (name, at) => declared.required[at] && at !== declared.timeColumn && !isOffered(name),
  );
  if (missing.length === 0) return null;
  const offered = columns.map(({ name }) => name);
  const asLabel = missing.find((name) => offered.includes(name));
  const near = missing.map((name) => nearest(name, offered)).find((name) => name !== undefined);
  return new SpecError('BRIDGE_COLUMNS', {
    where: "the device's HELLO",
    found: list(offered),
    expected: `${list(missing)} among them, which the task needs`,
    remedy:
      asLabel !== undefined
        ? `the device sends "${printable(asLabel)}" as a label: declare it as a target, or send it in the rows`
        : near !== undefined
          ? `did you mean "${printable(near)}"?`
          : "declare the columns by the device's names, or change them in the sketch",
  });
}

function otherUnit(
  columns: readonly DeviceColumn[],
  outputOf: readonly number[],
  names: readonly string[],
  units: readonly string[],
): SpecError | null {
  for (const [i, { unit, name }] of columns.entries()) {
    const declared = outputOf[i] < 0 ? '' : units[outputOf[i]];
    if (unit === '' || declared === '' || unit === declared) continue;
    return new SpecError('BRIDGE_UNIT', {
      where: `the device's HELLO, column "${printable(name)}"`,
      found: `the unit "${printable(unit)}"`,
      expected: `"${declared}", as declared for "${names[outputOf[i]]}"`,
      remedy: 'declare the unit of the device and the ranges in it, or send values in the declared one',
    });
  }
  return null;
}
