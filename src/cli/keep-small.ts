import { setFlagsFromString } from 'node:v8';

/**
 * For a process that stays. A row allocates next to nothing, so what V8 keeps ready for programs that do is better left to
 * others: its young generation stays as large as it is here, code that is not worth optimising is interpreted, and kernels are
 * compiled when first called, by one compiler instead of two. What has to be said before V8 starts is in the unit of a service.
 */
const FLAGS = [
  '--semi-space-growth-factor=1',
  '--optimize-for-size',
  '--no-sparkplug',
  '--wasm-lazy-compilation',
  '--no-liftoff',
];
/** When what only the start needed is cleared up, with the next collection or two. */
const CLEAR_FROM_MS = 300;
const CLEAR_TO_MS = 4000;
/** Objects that have grown old would else stay until there are megabytes of them: so often, for so long, they are collected too. */
const OLD_EVERY_MS = 20_000;
const OLD_FOR_MS = 5000;

const set = (flag: string, isOn: boolean) => setFlagsFromString(`--${isOn ? '' : 'no-'}${flag}`);
/** Collections from now on look at old objects too, or at young ones alone. */
const collectOld = (isOn: boolean) => set('gc-global', isOn);
const compact = (isOn: boolean) => set('compact-on-every-full-gc', isOn);

/** Makes V8 keep the memory of this process small, for as long as it runs. Called before anything large is loaded. */
export function keepSmall(): void {
  for (const flag of FLAGS) setFlagsFromString(flag);
  const clear = (isOn: boolean) => {
    collectOld(isOn);
    compact(isOn);
  };
  setTimeout(clear, CLEAR_FROM_MS, true).unref();
  setTimeout(clear, CLEAR_TO_MS, false).unref();
  setInterval(() => {
    collectOld(true);
    setTimeout(collectOld, OLD_FOR_MS, false).unref();
  }, OLD_EVERY_MS).unref();
}
