import type { ServerResponse } from 'node:http';

/** Pages that may listen at once. */
export const MOST_CLIENTS = 16;
/** Bytes that wait for a client, besides what it was told first: rows are left out for it, then it is dropped. */
const SLOW_BYTES = 64 * 1024;
const TOO_SLOW_BYTES = 1024 * 1024;

/**
 * Pages that listen (server-sent events). One that takes too long loses rows, and one that does not take anything is
 * dropped: nothing piles up for it.
 */
export class EventStream {
  /** Clients dropped for being too slow. */
  dropped = 0;
  /** With the length of what each was told first: of many tasks that is much, and a slow client may take its time for it. */
  private readonly clients = new Map<ServerResponse, number>();

  /** @param onCount told how many listen, whenever that changes */
  constructor(private readonly onCount: (clients: number) => void) {}

  get count(): number {
    return this.clients.size;
  }

  get isFull(): boolean {
    return this.clients.size >= MOST_CLIENTS;
  }

  /** Answers with the stream, `first` at once. */
  add(response: ServerResponse, headers: Record<string, string>, first: string): void {
    response.writeHead(200, {
      ...headers,
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      // Nginx hands it on at once.
      'X-Accel-Buffering': 'no',
    });
    response.socket?.setNoDelay(true);
    response.on('error', () => {});
    response.on('close', () => {
      if (this.clients.delete(response)) this.onCount(this.clients.size);
    });
    this.clients.set(response, first.length);
    this.onCount(this.clients.size);
    response.write(first);
  }

  /** @param mayBeLeftOut for a client that is slow */
  send(message: string, mayBeLeftOut: boolean): void {
    for (const [client, firstBytes] of this.clients) {
      const waiting = client.writableLength;
      if (waiting > firstBytes + TOO_SLOW_BYTES) {
        this.dropped++;
        client.destroy();
      } else if (!mayBeLeftOut || waiting < SLOW_BYTES) client.write(message);
    }
  }

  close(): void {
    for (const client of this.clients.keys()) client.end();
  }
}

/** A message as it goes over the wire. JSON has no line feeds. */
export const eventOf = (name: string, data: unknown): string => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
