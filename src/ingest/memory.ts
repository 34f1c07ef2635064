import type { ByteSink, ByteSource, Wire } from './source.js';

/** A wire inside the process: what is written arrives at the sink in the same call. For machines without a pseudo-terminal. */
export class MemorySource implements ByteSource, Wire {
  private sink: ByteSink | null = null;
  private isPlugged = true;
  private rxBytes = 0;
  private opens = 0;
  private disconnects = 0;
  private isHeld = false;
  private released: (() => void)[] = [];

  constructor(readonly name = 'memory') {}

  async start(sink: ByteSink): Promise<void> {
    this.sink = sink;
    if (this.isPlugged) this.open();
  }

  async stop(): Promise<void> {
    const sink = this.sink;
    this.sink = null;
    if (this.isPlugged) sink?.closed('stopped');
  }

  /** Bytes written while nobody listens, or while unplugged, are lost, as on any wire. */
  write(bytes: Uint8Array): boolean {
    if (this.sink !== null && this.isPlugged) {
      this.rxBytes += bytes.length;
      this.sink.bytes(bytes, bytes.length);
    }
    return !this.isHeld;
  }

  /** Resolves once it is not held. */
  async drained(): Promise<void> {
    if (this.isHeld) await new Promise<void>((resolve) => this.released.push(resolve));
  }

  hold(isHeld: boolean): void {
    this.isHeld = isHeld;
    if (!isHeld) for (const resolve of this.released.splice(0)) resolve();
  }

  /** Nobody reads at the other end. */
  send(): boolean {
    return false;
  }

  unplug(): void {
    if (!this.isPlugged) return;
    this.isPlugged = false;
    if (this.sink === null) return;
    this.disconnects++;
    this.sink.closed('unplugged');
  }

  plug(): void {
    if (this.isPlugged) return;
    this.isPlugged = true;
    if (this.sink !== null) this.open();
  }

  counters(): Record<string, number> {
    return { rxBytes: this.rxBytes, opens: this.opens, disconnects: this.disconnects };
  }

  private open(): void {
    this.opens++;
    this.sink!.opened(this.name);
  }
}
