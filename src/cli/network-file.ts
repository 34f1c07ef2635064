import { readFileSync } from 'node:fs';
import { at, type ResolvedNetwork, resolveNetwork, SpecError } from '../spec/index.js';

/**
 * Reads a network declaration as JSON.
 *
 * @throws SpecError naming the file, the key, what stood there and what may stand there
 */
export function readNetwork(file: string): ResolvedNetwork {
  const text = readFile(file).toString('utf8');
  let spec: unknown;
  try {
    spec = JSON.parse(text);
  } catch (error) {
    throw new SpecError('SPEC_SYNTAX', {
      where: file,
      found: (error as Error).message,
      expected: 'a network declaration as JSON, or a .toml or .safetensors file',
    });
  }
  try {
    return resolveNetwork(spec);
  } catch (error) {
    throw error instanceof SpecError ? at(file, error) : error;
  }
}

/** @throws SpecError where the file cannot be read */
export function readFile(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw new SpecError('INSPECT_FILE', {
      where: file,
      found: code === 'ENOENT' ? 'no such file' : ((error as Error).message.split(',')[0] ?? ''),
      expected: 'a .json, .toml or .safetensors file',
    });
  }
}
