import type { HeapProfiler } from 'node:inspector';
import type { Session } from 'node:inspector/promises';

/**
 * For a test that looks at allocations: V8 may compile a function, or give up what it compiled, meanwhile. What allocates
 * for good does so every time.
 */
export const SETTLES = { retry: 2 };

/**
 * Bytes the heap profiler saw functions of `files`, and whatever they called, allocate while `work` ran, garbage included,
 * and the worst of them. (A built-in such as `subarray` has a frame of its own, without a file.)
 */
export async function allocatedBytes(
  session: Session,
  files: RegExp,
  work: () => void,
): Promise<{ total: number; report: string }> {
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
