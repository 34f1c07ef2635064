import type { TextFormat } from '../bridge/index.js';
import type { GapReason } from '../stream/index.js';
import type { Channel } from './mcap/index.js';

// What stands in a recording: the topics of its files, and the events between the bytes.

/** Bytes as they were read from the source, one message a read (a long read is several, with the same times). */
export const WIRE: Channel = { id: 1, topic: 'wire', encoding: 'application/octet-stream' };

/** What happened between the bytes, one JSON object each. */
export const EVENTS: Channel = {
  id: 2,
  topic: 'events',
  encoding: 'json',
  schema: {
    name: 'edgegrad.Event',
    text: JSON.stringify({
      type: 'object',
      required: ['type'],
      properties: {
        type: { type: 'string', description: 'what happened; further keys depend on it' },
        hash: { type: 'string', description: 'of everything learned, at this place among the bytes' },
        rows: { type: 'number', description: 'rows accepted up to here' },
        reason: { type: 'string' },
        text: { type: 'string', description: 'a configuration file as it was' },
        resolved: { type: 'object', description: 'a configuration with every default filled in' },
      },
    }),
  },
};

/** Decoded rows, for tools that plot; made by `edgegrad convert --rows`. */
export const ROWS_ID = 3;

/** What is needed of a configuration to do again what was done with it. Further keys are kept. */
export interface RecordedConfig {
  name?: string;
  columns: unknown;
  task: unknown;
  network: { seed?: number; executor?: string };
  drift?: unknown;
  memory?: unknown;
  monitor?: unknown;
}

export type RecordedEvent =
  /** The first message of every file, written by the recorder: which recording, and which of its files. */
  | {
      type: 'segment';
      session: string;
      segment: number;
      /** Events said to hold for the whole recording, again, for when the files before are gone. */
      standing: RecordedEvent[];
    }
  /** In full: the file's text, and the object it came to. Before `start`. */
  | { type: 'config'; file: string; text: string; resolved: RecordedConfig }
  /** A process begins to learn, from nothing (`fresh`) or from a checkpoint; `hash` and `rows` are of that state. */
  | {
      type: 'start';
      fresh: boolean;
      hash: string;
      rows: number;
      edgegrad: string;
      node: string;
      architecture: string;
      executor: string;
    }
  | { type: 'opened'; what: string; isAgain: boolean; mayBeMidLine: boolean }
  | { type: 'closed'; reason: string }
  | { type: 'gap'; reason: GapReason }
  /** The format of text lines in force from the bytes before on. */
  | { type: 'format'; format: TextFormat }
  /** Learning was paused, or goes on. */
  | { type: 'learning'; on: boolean }
  /** A label from outside the wire: the targets' values, in their order, of the row `age` rows ago. */
  | { type: 'label'; values: number[]; age: number }
  /** A checkpoint was taken of, or loaded into, the stream: its state at this place among the bytes. `aside`: nobody goes on from it. */
  | { type: 'checkpoint'; action: 'saved' | 'loaded' | 'aside'; hash: string; rows: number; file?: string }
  /** Written by the recorder: what it could not keep, right before this event. */
  | { type: 'overflow'; bytes: number; reads: number; events: number }
  /** `finished`: the log had ended, and the last line and predictions were counted. */
  | { type: 'end'; reason: string; finished: boolean; hash?: string; rows?: number };

/** JSON, in which an infinite number is `{"float":"Infinity"}`: limits of columns may be. */
export function eventToJson(event: RecordedEvent): string {
  return JSON.stringify(event, (_, item) =>
    typeof item === 'number' && !Number.isFinite(item) ? { float: String(item) } : item,
  );
}

/** Whether a value has what readers rely on; the rest may be missing. */
function isEvent(value: unknown): value is RecordedEvent {
  const event = value as { type?: unknown; standing?: unknown; resolved?: { network?: unknown } } | null;
  if (typeof event?.type !== 'string') return false;
  if (event.type === 'segment') return Array.isArray(event.standing) && event.standing.every(isEvent);
  if (event.type === 'format') return typeof (value as { format?: unknown }).format === 'object';
  if (event.type === 'label') return Array.isArray((value as { values?: unknown }).values);
  const network = event.resolved?.network;
  return event.type !== 'config' || (typeof network === 'object' && network !== null);
}

/** The event of a message; null where it is none. Events of types unknown here are kept as they are. */
export function eventFromJson(json: string): RecordedEvent | null {
  try {
    const event = JSON.parse(json, (_, item) => (typeof item?.float === 'string' ? Number(item.float) : item));
    return isEvent(event) ? event : null;
  } catch {
    return null;
  }
}
