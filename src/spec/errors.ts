/**
 * What went wrong while something was being set up, in the four parts a person needs.
 * Errors are for set-up only: bytes from a wire are counted, never thrown.
 */
export interface Problem {
  /** The place by name: `edgegrad.toml: network.layers[0].units`. */
  where: string;
  /** What stood there. */
  found: string;
  /** What could have stood there. */
  expected: string;
  /** What to do about it, when one thing is likely. */
  remedy?: string;
}

/** The base of every error this project throws: one line, a stable code, no stack needed to understand it. */
export class EdgegradError extends Error {
  constructor(
    /** Stable, upper case, room first: `SPEC_UNKNOWN_KEY`. */
    readonly code: string,
    readonly problem: Problem,
  ) {
    const { where, found, expected, remedy } = problem;
    super(`${code}: ${where}: found ${found}, expected ${expected}${remedy ? `; ${remedy}` : ''}`);
    this.name = new.target.name;
  }
}

/** A declaration (network, row schema, task, configuration) is wrong. The command line exits with 2. */
export class SpecError extends EdgegradError {}

/** The same problem, told with `prefix` before its place: a file's name before a key's path. */
export function at(prefix: string, error: SpecError): SpecError {
  return new SpecError(error.code, { ...error.problem, where: `${prefix}: ${error.problem.where}` });
}
