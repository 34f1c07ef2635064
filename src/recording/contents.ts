import type { RecordedEvent } from './events.js';
import { type FileHealth, RecordingReader } from './reader.js';

/** Events listed; of more only the number is told. */
const LISTED = 200;

/** What a recording holds. */
export interface RecordingContents {
  files: FileHealth[];
  /** ISO times of the first and last message; absent where there is none. */
  first?: string;
  last?: string;
  wireMessages: number;
  wireBytes: number;
  /** Events by type. */
  events: Record<string, number>;
  /** Events but `config` and `segment`, in order, with their times; the first 200. */
  listed: { time: string; event: RecordedEvent }[];
  /** Files of configurations, in order of first appearance. */
  configurations: string[];
}

/**
 * Reads a recording through, and tells what is in it and what is missing.
 *
 * @throws RecordingError where there is none
 */
export async function recordingContents(
  paths: readonly string[],
  onProgress?: (share: number) => void,
): Promise<RecordingContents> {
  const reader = await RecordingReader.open(paths);
  const contents: RecordingContents = {
    files: reader.health,
    wireMessages: 0,
    wireBytes: 0,
    events: {},
    listed: [],
    configurations: [],
  };
  let firstNs = Infinity;
  let lastNs = -Infinity;
  for await (const messages of reader.chunks()) {
    while (messages.next()) {
      const { topic, wallNs, event } = messages;
      firstNs = Math.min(firstNs, wallNs);
      lastNs = Math.max(lastNs, wallNs);
      if (topic === 'wire') {
        contents.wireMessages++;
        contents.wireBytes += messages.end - messages.start;
      }
      if (event === null) continue;
      contents.events[event.type] = (contents.events[event.type] ?? 0) + 1;
      if (event.type === 'config' && !contents.configurations.includes(event.file))
        contents.configurations.push(event.file);
      if (event.type === 'config' || event.type === 'segment' || contents.listed.length >= LISTED) continue;
      contents.listed.push({ time: isoOf(wallNs), event });
    }
    onProgress?.(reader.progress);
  }
  if (firstNs <= lastNs) {
    contents.first = isoOf(firstNs);
    contents.last = isoOf(lastNs);
  }
  return contents;
}

/** ISO time of nanoseconds since 1970; a time no calendar has is the first of all. */
export function isoOf(wallNs: number): string {
  const time = new Date(wallNs / 1e6);
  return (Number.isNaN(time.getTime()) ? new Date(0) : time).toISOString();
}
