import type { HeapProfiler } from 'node:inspector';
import type { Session } from 'node:inspector/promises';

const MOST_RUNS = 3;

export interface Allocated {
  total: number;
  report: string;
}

/**
 * Bytes the heap profiler saw functions of `files`, and whatever they called, allocate while `work` ran, garbage included,
 * and the worst of them. (A built-in such as `subarray` has a frame of its own, without a file.)
 *
 * V8 may compile a function, or give up what it compiled, while it runs, and needs heap numbers until it has. What allocates
 * for good does so every time: where there is more than `allowed`, the least of three runs counts.
 */
export async function allocatedBytes(
  session: Session,
  files: RegExp,
  work: () => void,
  allowed = 0,
): Promise<Allocated> {
  let least: Allocated = { total: Number.POSITIVE_INFINITY, report: '' };
  for (let run = 0; run < MOST_RUNS && least.total > allowed; run++) {
    const allocated = await allocatedOnce(session, files, work);
    if (allocated.total < least.total) least = allocated;
  }
  return least;
}

async function allocatedOnce(session: Session, files: RegExp, work: () => void): Promise<Allocated> {
  session.connect();
  try {
    await session.post('HeapProfiler.enable');
    await session.post('HeapProfiler.startSampling', {
      samplingInterval: 64,
      includeObjectsCollectedByMajorGC: true,
      includeObjectsCollectedByMinorGC: true,
    } as HeapProfiler.StartSamplingParameterType);
    work();
    const { profile } = await session.post('HeapProfiler.stopSampling');
    const found: { bytes: number; where: string }[] = [];
    const visit = (node: HeapProfiler.SamplingHeapProfileNode, caller: string): void => {
      const { url, functionName, lineNumber } = node.callFrame;
      const where = files.test(url)
        ? `${functionName} ${url}:${lineNumber + 1}`
        : caller && `${caller} > ${functionName}`;
      if (where !== '' && node.selfSize > 0) found.push({ bytes: node.selfSize, where });
      for (const child of node.children) visit(child, where);
    };
    visit(profile.head, '');
    found.sort((a, b) => b.bytes - a.bytes);
    return {
      total: found.reduce((sum, { bytes }) => sum + bytes, 0),
      report: found
        .slice(0, 5)
        .map(({ bytes, where }) => `${bytes} bytes in ${where}`)
        .join('\n'),
    };
  } finally {
    session.disconnect();
  }
}
