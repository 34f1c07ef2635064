import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * For a process that stays. A row allocates next to nothing, so the memory that V8 reserves for programs that do allocate is
 * given up: its young generation keeps its first size, cold code stays interpreted, and kernels are compiled at their first call.
 * Flags that V8 reads before it starts are in the unit of a service.
 */
const FLAGS = ['--semi-space-growth-factor=1', '--optimize-for-size', '--no-sparkplug', '--wasm-lazy-compilation'];

/**
 * Major versions of V8 with which every supported command was run under these flags (Node 20, 22, 24, 26). A combination of flags
 * can be a fatal error in another version, so others run with V8's defaults and take a few megabytes more.
 */
const TRIED_V8 = ['11', '12', '13', '14'];

/** When objects that only the start needed are collected: one full collection, of about 20 ms. */
const COLLECT_START_MS = 1000;

/** Makes V8 keep the memory of this process small, for as long as it runs. Called before anything large is loaded. */
export function keepSmall(v8 = process.versions.v8): void {
  if (!TRIED_V8.includes(v8.split('.')[0])) return;
  for (const flag of FLAGS) setFlagsFromString(flag);
  setTimeout(collect, COLLECT_START_MS).unref();
}

function collect(): void {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  setFlagsFromString('--no-expose-gc');
}
