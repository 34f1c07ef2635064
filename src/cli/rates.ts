import type { Config } from '../daemon/index.js';

/** The shortest value and what stands behind it: `0,`. */
const LEAST_BYTES_A_VALUE = 2;
/** Start bit, eight bits, stop bit. */
const BITS_A_BYTE = 10;

/** As many rows a second as fit through the serial line of a configuration; undefined where it has none. */
export function mostRowsPerSecond({ source, columns }: Config): number | undefined {
  if (source.port === undefined || source.port.startsWith('tcp:')) return undefined;
  return source.baudRate / BITS_A_BYTE / (LEAST_BYTES_A_VALUE * columns.length);
}
