import type { NetworkState } from '../engine/index.js';
import type { TensorFile } from '../models/index.js';

// States of several parts in one file, each under a prefix of its own.

/** A state with every name under a prefix. */
export function withPrefix({ tensors, metadata }: NetworkState, prefix: string): NetworkState {
  return {
    tensors: tensors.map((tensor) => ({ ...tensor, name: prefix + tensor.name })),
    metadata: Object.fromEntries(Object.entries(metadata).map(([key, text]) => [prefix + key, text])),
  };
}

/** What of a state is under a prefix, without it. */
export function partOf({ tensors, metadata }: TensorFile, prefix: string): TensorFile {
  const own = <T>(entries: Iterable<[string, T]>): [string, T][] =>
    [...entries].filter(([name]) => name.startsWith(prefix)).map(([name, value]) => [name.slice(prefix.length), value]);
  return {
    tensors: new Map(own(tensors).map(([name, tensor]) => [name, { ...tensor, name }])),
    metadata: Object.fromEntries(own(Object.entries(metadata))),
  };
}

/** A copied state, to be restored from. */
export function toFile({ tensors, metadata }: NetworkState): TensorFile {
  return { tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])), metadata };
}

/** States of several parts as one. */
export function joined(states: readonly NetworkState[]): NetworkState {
  return {
    tensors: states.flatMap(({ tensors }) => tensors),
    metadata: Object.assign({}, ...states.map(({ metadata }) => metadata)),
  };
}

/**
 * Restores several parts from one file.
 *
 * @throws CheckpointError where one cannot be, and then all are as they were
 */
export function restoreAll<T>(
  parts: readonly T[],
  stateOf: (part: T) => NetworkState,
  restore: (part: T, k: number) => void,
  undo: (part: T, state: TensorFile) => void,
): void {
  const before = parts.map((part) => toFile(stateOf(part)));
  try {
    parts.forEach(restore);
  } catch (error) {
    parts.forEach((part, k) => {
      undo(part, before[k]);
    });
    throw error;
  }
}
