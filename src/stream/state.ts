import type { NetworkState } from '../engine/index.js';
import { CheckpointError, type Tensor, type TensorFile } from '../models/index.js';
import type { StateArray } from '../online/index.js';
import type { Column, Memory } from '../spec/index.js';
import { firstDifference } from '../spec/index.js';
import { joined, restoreAll } from './state-parts.js';
import type { Stream } from './stream.js';

/** What a checkpoint of a stream is, in its metadata. */
export const STREAM_FORMAT = 'edgegrad.stream';
/** Raised when an older reader could not read it. */
export const STREAM_FORMAT_VERSION = '4';

/** Everything that must be kept of a stream, copied: the networks' own tensors and texts, ours under `stream.`. */
export function stateOf(stream: Stream): NetworkState {
  const network = joined(stream.tracks.map((track) => track.networkState()));
  const own = keptArrays(stream).map(({ name, shape, data }) => ({
    name,
    dtype: dtypeOf(data),
    shape,
    data: data.slice(),
  }));
  return {
    tensors: [...network.tensors, ...own],
    metadata: {
      ...network.metadata,
      'stream.format': STREAM_FORMAT,
      'stream.version': STREAM_FORMAT_VERSION,
      'stream.columns': toJson(stream.columns),
      'stream.task': toJson(stream.task),
      'stream.network': toJson(stream.taskNetwork),
      ...(stream.drift.length === 0 ? {} : { 'stream.drift': toJson(stream.drift) }),
      ...(stream.memory === undefined ? {} : { 'stream.memory': toJson(asKept(stream.memory)) }),
      ...(stream.monitor === undefined ? {} : { 'stream.monitor': toJson(stream.monitor) }),
      'stream.hash': stream.hash(),
    },
  };
}

/**
 * Puts a stream where another one was. When it throws, nothing has changed.
 *
 * @throws CheckpointError when the state is damaged or is of other columns, another task or another network
 */
export function restoreState(stream: Stream, state: TensorFile): void {
  checkFormat(state);
  checkSame('columns', withoutUnits(declared(state, 'columns')), withoutUnits(stream.columns));
  checkSame('task', declared(state, 'task'), stream.task);
  checkNetwork(declared(state, 'network'), stream.taskNetwork);
  checkSame('drift', declaredDrift(state), stream.drift);
  checkSame('memory', declared(state, 'memory') ?? NONE, stream.memory ? asKept(stream.memory) : NONE);
  checkSame('monitor', declared(state, 'monitor') ?? NONE, stream.monitor ?? NONE);
  const arrays = keptArrays(stream);
  for (const array of arrays) checkTensor(array, state.tensors.get(array.name));
  restoreAll(
    stream.tracks,
    (track) => track.networkState(),
    (track) => track.restoreNetworks(state),
    (track, before) => track.restoreNetworks(before),
  );
  for (const { name, data } of arrays) data.set(state.tensors.get(name)!.data);
  stream.refresh();
}

/** Refuses what is not a checkpoint of a stream, or is of another version. */
export function checkFormat({ metadata }: TensorFile): void {
  const format = metadata['stream.format'];
  if (format !== STREAM_FORMAT) {
    throw new CheckpointError('CHECKPOINT_FORMAT', {
      where: 'checkpoint: stream.format',
      found: format === undefined ? 'nothing' : `"${format}"`,
      expected: `"${STREAM_FORMAT}"`,
      remedy: 'is it the checkpoint of a network alone?',
    });
  }
  const version = metadata['stream.version'];
  if (version !== STREAM_FORMAT_VERSION) {
    throw new CheckpointError('CHECKPOINT_VERSION', {
      where: 'checkpoint: stream.version',
      found: `"${version}"`,
      expected: `"${STREAM_FORMAT_VERSION}"`,
      remedy: 'read it with the version of edgegrad that wrote it',
    });
  }
}

type Part = 'columns' | 'task' | 'network' | 'drift' | 'memory' | 'monitor';

const NONE = 'none';

/** What a checkpoint says its columns, task, network, memory or monitor are; the last two may be undefined. */
export function declared({ metadata }: TensorFile, part: Part): unknown {
  const text = metadata[`stream.${part}`];
  if (text === undefined && (part === 'memory' || part === 'monitor')) return undefined;
  try {
    return fromJson(text ?? '');
  } catch {
    throw damaged(`stream.${part}`, text === undefined ? 'nothing' : 'broken JSON', `the ${part} as JSON`);
  }
}

/** The watchers a checkpoint names; none where it says nothing of them. */
export function declaredDrift(state: TensorFile): unknown {
  return state.metadata['stream.drift'] === undefined ? [] : declared(state, 'drift');
}

/** What of a memory must be the same: how many rows a budget came to is an array of the state. */
function asKept(memory: Memory): Partial<Memory> {
  const { replay, ...rest } = memory;
  return memory.budgetUs === undefined ? memory : rest;
}

/** The arrays that make tensors: an empty one has nothing to keep. */
function keptArrays(stream: Stream): StateArray[] {
  return stream.arrays().filter(({ data }) => data.length > 0);
}

function dtypeOf(data: StateArray['data']): 'F32' | 'F64' | 'I32' {
  return data instanceof Float32Array ? 'F32' : data instanceof Float64Array ? 'F64' : 'I32';
}

/** JSON with its keys in order, which keeps infinite numbers: they may stand in a range. */
function toJson(value: unknown): string {
  return JSON.stringify(value, (_, item) => {
    if (typeof item === 'number' && !Number.isFinite(item)) return { float: String(item) };
    if (item === null || typeof item !== 'object' || Array.isArray(item)) return item;
    return Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

function fromJson(text: string): unknown {
  return JSON.parse(text, (_, item) => (typeof item?.float === 'string' ? Number(item.float) : item));
}

/** Units are for people and may change. */
function withoutUnits(columns: unknown): unknown {
  return Array.isArray(columns) ? columns.map((column: Column) => ({ ...column, unit: '' })) : columns;
}

function checkSame(part: string, saved: unknown, given: unknown): void {
  const difference = firstDifference(saved, given, part);
  if (difference === undefined) return;
  throw new CheckpointError('CHECKPOINT_MISMATCH', {
    where: `checkpoint: ${difference.path}`,
    found: difference.a,
    expected: `${difference.b}, as configured`,
    remedy: 'configure it as it was, or start without the checkpoint',
  });
}

/** A race and a declared network differ as a whole. */
function checkNetwork(saved: unknown, given: unknown): void {
  const nameOf = (network: unknown) => (network === 'race' ? 'a race' : 'a declared network');
  if (nameOf(saved) === nameOf(given)) checkSame('network', saved, given);
  else checkSame('network', nameOf(saved), nameOf(given));
}

function checkTensor({ name, shape, data }: StateArray, tensor: Tensor | undefined): void {
  const wanted = `${dtypeOf(data)} [${shape.join(', ')}]`;
  const found = tensor === undefined ? 'nothing' : `${tensor.dtype} [${tensor.shape.join(', ')}]`;
  if (tensor === undefined || found !== wanted || tensor.data.length !== data.length) {
    throw damaged(name, found, wanted);
  }
  for (let i = 0; i < data.length; i++) {
    if (!Number.isFinite(tensor.data[i])) throw damaged(`${name}[${i}]`, `${tensor.data[i]}`, 'a finite number');
  }
}

function damaged(where: string, found: string, expected: string): CheckpointError {
  return new CheckpointError('CHECKPOINT_DAMAGED', {
    where: `checkpoint: ${where}`,
    found,
    expected,
    remedy: 'use the checkpoint before it, or remove it to start anew',
  });
}
