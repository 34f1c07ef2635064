/** A value as a form of text gives it: text as written, or what JSON made of it. */
export type FieldValue = string | number | boolean | null;

/** The fields of a line, in its order. The arrays are reused: `count` says how much of them is valid. */
export class Fields {
  readonly names: string[] = [];
  readonly values: FieldValue[] = [];
  readonly units: string[] = [];
  count = 0;

  clear(): void {
    this.count = 0;
  }

  /** @param name empty for a field that is known by its position only */
  add(name: string, value: FieldValue, unit = ''): void {
    this.names[this.count] = name;
    this.values[this.count] = value;
    this.units[this.count] = unit;
    this.count++;
  }

  /** Whether a field of this name is among them. */
  has(name: string): boolean {
    for (let i = 0; i < this.count; i++) if (this.names[i] === name) return true;
    return false;
  }
}
