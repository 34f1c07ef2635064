import type { HeapProfiler } from 'node:inspector';
import type { Session } from 'node:inspector/promises';

/** Bytes the heap profiler saw functions of `files` allocate while `work` ran, garbage included, and the worst of them. */
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
    const visit = (node: HeapProfiler.SamplingHeapProfileNode): void => {
      const { url, functionName, lineNumber } = node.callFrame;
      if (files.test(url) && node.selfSize > 0) {
        found.push({ bytes: node.selfSize, where: `${functionName} ${url}:${lineNumber + 1}` });
      }
      node.children.forEach(visit);
    };
    visit(profile.head);
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
