import type { BeginMessage, RowsMessage, StatusMessage, TaskEventMessage } from '../daemon/http/messages.js';

/** Between attempts to reach a process that is away. */
const RETRY_MS = 2000;
/** A process that says nothing for so long is away, though the connection has not been cut. */
const SILENT_MS = 6000;
/** The first thing it says is long where tasks are many, and takes its time over a slow line. */
const FIRST_MS = 30_000;

export interface ConnectionEvents {
  begin(message: BeginMessage): void;
  rows(message: RowsMessage): void;
  status(message: StatusMessage): void;
  event(message: TaskEventMessage): void;
  /** @param reason for a person; null: it is there again, or a token is asked for */
  away(reason: string | null): void;
  /** Asks for the token; the connection waits for `retry`. */
  login(): void;
}

/** The stream of events of the process, for as long as the page is looked at: it comes back by itself. */
export class Connection {
  private source: EventSource | null = null;
  private timer: number | undefined;
  private silence: number | undefined;

  constructor(private readonly events: ConnectionEvents) {
    document.addEventListener('visibilitychange', () => {
      // A page nobody looks at costs the process nothing.
      if (document.hidden) this.close();
      else this.open();
    });
    window.addEventListener('pagehide', () => this.close());
    window.addEventListener('pageshow', () => this.open());
  }

  open(): void {
    if (this.source !== null || document.hidden) return;
    clearTimeout(this.timer);
    const source = new EventSource('/api/events');
    this.source = source;
    const on = <T>(name: string, take: (message: T) => void) =>
      source.addEventListener(name, (event) => {
        this.wait(SILENT_MS);
        take(JSON.parse((event as MessageEvent<string>).data) as T);
      });
    on<BeginMessage>('begin', (message) => {
      this.events.away(null);
      this.events.begin(message);
    });
    on<RowsMessage>('rows', (message) => this.events.rows(message));
    on<StatusMessage>('status', (message) => this.events.status(message));
    on<TaskEventMessage>('event', (message) => this.events.event(message));
    source.addEventListener('error', () => void this.failed());
    this.wait(FIRST_MS);
  }

  close(): void {
    clearTimeout(this.timer);
    clearTimeout(this.silence);
    this.source?.close();
    this.source = null;
  }

  /** Tries again at once. */
  retry(): void {
    this.close();
    this.open();
  }

  private wait(silentMs: number): void {
    clearTimeout(this.silence);
    this.silence = window.setTimeout(() => void this.failed(), silentMs);
  }

  /** An event source does not tell why it failed: asks, and tries again. */
  private async failed(): Promise<void> {
    this.close();
    let reason = 'the process does not answer';
    try {
      const response = await fetch('/api/status', { signal: AbortSignal.timeout(SILENT_MS) });
      if (response.status === 401) {
        this.events.away(null);
        this.events.login();
        return;
      }
      reason = response.ok ? 'the stream was cut off' : `the process answers with ${response.status}`;
    } catch {
      // It is away.
    }
    this.events.away(reason);
    if (this.source === null) this.timer = window.setTimeout(() => this.open(), RETRY_MS);
  }
}

/** Asks the process to do something. @throws Error with what it said, for a person */
export async function post<T>(path: string, body: unknown): Promise<T> {
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  }).catch(() => {
    throw new Error('the process does not answer');
  });
  const answer = (await response.json().catch(() => ({}))) as T & { error?: string };
  if (!response.ok) throw new Error(answer.error ?? `it answered with ${response.status}`);
  return answer;
}
