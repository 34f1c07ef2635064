import { createHash } from 'node:crypto';
import { EdgegradError } from '../spec/index.js';

/** A file of weights or of a stream's state cannot be used: damaged, foreign, or of another model. */
export class CheckpointError extends EdgegradError {}

/** A named array, `shape` row-major. */
export interface Tensor {
  readonly name: string;
  readonly dtype: 'F64' | 'F32' | 'I32' | 'U32';
  readonly shape: readonly number[];
  readonly data: Float64Array | Float32Array | Int32Array | Uint32Array;
}

/** What a checkpoint holds: arrays, and short texts beside them. */
export interface TensorFile {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

const ARRAYS = { F64: Float64Array, F32: Float32Array, I32: Int32Array, U32: Uint32Array } as const;

/** Bytes of header a reader is willing to parse: far above ours, far below what could exhaust memory. */
const MAX_HEADER_BYTES = 16 * 1024 * 1024;

/** Digest of everything else in the file, kept in its metadata under this key. */
const DIGEST = 'edgegrad_sha256';

/**
 * Writes tensors as a safetensors file: 8 bytes header length (little-endian), a JSON header, the data.
 * Wider types come first, so every array is aligned. Any safetensors reader opens it.
 *
 * @param metadata texts for `__metadata__`; a digest over header and data is added, so that damage is noticed
 */
export function encodeSafetensors(tensors: readonly Tensor[], metadata: Readonly<Record<string, string>>): Uint8Array {
  const ordered = [...tensors].sort((a, b) => b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT);
  const entries: Record<string, unknown> = {};
  let end = 0;
  for (const { name, dtype, shape, data } of ordered) {
    entries[name] = { dtype, shape, data_offsets: [end, end + data.byteLength] };
    end += data.byteLength;
  }
  const body = new Uint8Array(end);
  let at = 0;
  for (const { data } of ordered) {
    body.set(littleEndian(data), at);
    at += data.byteLength;
  }
  const digest = digestOf(metadata, entries, body);
  const json = JSON.stringify({ __metadata__: { ...metadata, [DIGEST]: digest }, ...entries });
  const header = new TextEncoder().encode(json);
  const headerBytes = (header.length + 7) & ~7; // padded with spaces, so that the data starts on 8 bytes
  const file = new Uint8Array(8 + headerBytes + end).fill(0x20, 8, 8 + headerBytes);
  new DataView(file.buffer).setUint32(0, headerBytes, true);
  file.set(header, 8);
  file.set(body, 8 + headerBytes);
  return file;
}

/**
 * Reads a safetensors file; every array is a copy.
 *
 * @param what the file's name, for messages
 * @param isOurs whether it has to carry our digest; false for files of other writers
 * @throws CheckpointError saying what is wrong with it
 */
export function decodeSafetensors(file: Uint8Array, what = 'checkpoint', isOurs = true): TensorFile {
  const refuse = (found: string, expected: string): never => {
    throw new CheckpointError('CHECKPOINT_DAMAGED', {
      where: what,
      found,
      expected,
      remedy: 'use the checkpoint before it, or remove it to start anew',
    });
  };
  if (file.length < 8) refuse(`${file.length} bytes`, 'a safetensors file');
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const headerBytes = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
  if (headerBytes > MAX_HEADER_BYTES || headerBytes > file.length - 8) {
    refuse(`a header of ${headerBytes} bytes in a file of ${file.length}`, 'a safetensors file');
  }
  let header: Record<string, unknown>;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(file.subarray(8, 8 + headerBytes));
    header = JSON.parse(text) as Record<string, unknown>;
  } catch {
    return refuse('a header that is not JSON', 'a safetensors file');
  }
  if (header === null || typeof header !== 'object') refuse('a header that is no object', 'a safetensors file');
  const { __metadata__: stored, ...entries } = header;
  const metadata = { ...(stored as Record<string, string> | undefined) };
  const body = file.subarray(8 + headerBytes);

  const tensors = new Map<string, Tensor>();
  let expectedStart = 0;
  const byOffset = Object.entries(entries).map(([name, entry]) => ({ name, ...checkEntry(name, entry, refuse) }));
  for (const { name, dtype, shape, start, end } of byOffset.sort((a, b) => a.start - b.start)) {
    if (start !== expectedStart) refuse(`tensor "${name}" at ${start}`, `its data at ${expectedStart}`);
    if (end > body.length) refuse(`${body.length} bytes of data`, `${end} for tensor "${name}"`);
    expectedStart = end;
    tensors.set(name, { name, dtype, shape, data: fromLittleEndian(dtype, body.subarray(start, end)) });
  }
  if (expectedStart !== body.length) refuse(`${body.length} bytes of data`, `${expectedStart}`);
  const digest = metadata[DIGEST];
  delete metadata[DIGEST];
  if (digest === undefined && isOurs) refuse(`no ${DIGEST} in the metadata`, 'a checkpoint of edgegrad');
  if (digest !== undefined && digest !== digestOf(metadata, entries, body)) {
    refuse('contents that differ from their digest', 'an undamaged file');
  }
  return { tensors, metadata };
}

function checkEntry(name: string, entry: unknown, refuse: (found: string, expected: string) => never) {
  const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>;
  if (typeof dtype !== 'string' || !(dtype in ARRAYS)) {
    return refuse(`tensor "${name}" of type ${String(dtype)}`, Object.keys(ARRAYS).join(', '));
  }
  const isSize = (n: unknown) => Number.isSafeInteger(n) && (n as number) >= 0;
  if (!Array.isArray(shape) || !shape.every(isSize) || !Array.isArray(offsets) || !offsets.every(isSize)) {
    return refuse(`tensor "${name}" without shape or data_offsets`, 'both, as whole numbers');
  }
  const kind = dtype as Tensor['dtype'];
  const [start, end] = offsets as [number, number];
  const bytes = (shape as number[]).reduce((n, side) => n * side, ARRAYS[kind].BYTES_PER_ELEMENT);
  if (end - start !== bytes) refuse(`${end - start} bytes for tensor "${name}" [${shape}]`, `${bytes}`);
  return { dtype: kind, shape: shape as number[], start, end };
}

function digestOf(metadata: object, entries: object, body: Uint8Array): string {
  return createHash('sha256')
    .update(JSON.stringify([metadata, entries]))
    .update(body)
    .digest('hex');
}

const HOST_IS_LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

function littleEndian(data: Tensor['data']): Uint8Array {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return HOST_IS_LITTLE_ENDIAN ? bytes : swapped(bytes, data.BYTES_PER_ELEMENT);
}

/** A copy, whose buffer holds it alone: a Buffer's `slice` would be a view. */
function fromLittleEndian(dtype: Tensor['dtype'], view: Uint8Array): Tensor['data'] {
  const bytes = Uint8Array.from(view);
  const own = HOST_IS_LITTLE_ENDIAN ? bytes : swapped(bytes, ARRAYS[dtype].BYTES_PER_ELEMENT);
  return new ARRAYS[dtype](own.buffer);
}

function swapped(bytes: Uint8Array, width: number): Uint8Array<ArrayBuffer> {
  const copy = Uint8Array.from(bytes);
  for (let i = 0; i < copy.length; i += width) copy.subarray(i, i + width).reverse();
  return copy;
}
