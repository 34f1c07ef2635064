const RUNS = 3;
/** Of sizes: linear work takes as many times as long, work that grows with the square takes its square. */
export const LARGER = 8;
/** Between the two, so that neither a processor's caches nor other processes decide. */
export const MOST_GROWTH = 24;

/** CPU time of this process while `work` runs, milliseconds; that of other processes is not in it. */
function cpuMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  return process.cpuUsage(before).user / 1000;
}

/** How many times as long work of size LARGER takes as work of size 1: the least CPU times of three runs each. */
export function growth(work: (size: number) => void): number {
  work(LARGER); // until compiled
  const least = (size: number) => Math.min(...Array.from({ length: RUNS }, () => cpuMs(() => work(size))));
  return least(LARGER) / Math.max(least(1), 0.1);
}
