import { decodeSafetensors, encodeSafetensors, type TensorFile } from '../models/index.js';
import { checkFormat, declared, declaredDrift } from './state.js';
import { createStream, type Stream, type StreamOptions } from './stream.js';

/** A checkpoint as safetensors: the network's weights as `layers.0.weight` … (of a race
 * `networks.0.layers.0.weight` …), everything else under `stream.`. */
export function saveStream(stream: Stream): Uint8Array {
  const { tensors, metadata } = stream.state();
  return encodeSafetensors(tensors, metadata);
}

/**
 * Takes a stream to where a checkpoint of the same columns, task and network was. When it throws, nothing has changed.
 *
 * @param what the file's name, for messages
 * @throws CheckpointError when the checkpoint is damaged or of something else
 */
export function restoreStream(stream: Stream, bytes: Uint8Array, what = 'checkpoint'): void {
  const state = decodeSafetensors(bytes, what);
  checkFormat(state);
  stream.restore(state);
}

/**
 * Makes a stream from a checkpoint. It goes on, bit for bit, as the saved one would have.
 *
 * @param options what is given here must agree with the checkpoint; the executor may be any
 * @throws CheckpointError when the checkpoint is damaged or does not agree
 */
export function loadStream(bytes: Uint8Array, options: Partial<StreamOptions> = {}): Stream {
  const state = decodeSafetensors(bytes);
  checkFormat(state);
  const stream = createStream({
    ...options,
    columns: options.columns ?? (declared(state, 'columns') as StreamOptions['columns']),
    task: options.task ?? (declared(state, 'task') as StreamOptions['task']),
    network: options.network ?? declaredNetwork(state),
    drift: options.drift ?? (declaredDrift(state) as NonNullable<StreamOptions['drift']>),
    memory: options.memory ?? (declared(state, 'memory') as StreamOptions['memory']),
    monitor: options.monitor ?? (declared(state, 'monitor') as StreamOptions['monitor']),
  });
  stream.restore(state);
  return stream;
}

/** The network a checkpoint names; none for a race. */
function declaredNetwork(state: TensorFile): StreamOptions['network'] {
  const network = declared(state, 'network');
  return network === 'race' ? undefined : (network as NonNullable<StreamOptions['network']>);
}
