import type { ByteSink, ByteSource } from './source.js';

/**
 * One source for several sinks, each of which has what looks like a source of its own: it is opened for the first that
 * starts, hands every chunk to each of them in turn, and is stopped after the last. One that starts later hears
 * `opened` at once where it is open, and the bytes from then on.
 */
export class SharedSource {
  /** Replaced, never changed: it may be walked while one leaves. */
  private sinks: readonly ByteSink[] = [];
  private openedWhat: string | null = null;
  /** Members that hold it: it goes on once none does. */
  private readonly holders = new Set<object>();
  private starting: Promise<void> | null = null;
  private stopping: Promise<void> = Promise.resolve();
  private readonly fan: ByteSink = {
    bytes: (buffer, length) => {
      const { sinks } = this;
      for (let i = 0; i < sinks.length; i++) sinks[i].bytes(buffer, length);
    },
    opened: (what) => {
      this.openedWhat = what;
      for (const sink of this.sinks) sink.opened(what);
    },
    refused: (problem) => {
      for (const sink of this.sinks) sink.refused?.(problem);
    },
    closed: (reason) => {
      this.openedWhat = null;
      for (const sink of this.sinks) sink.closed(reason);
    },
  };

  constructor(private readonly source: ByteSource) {}

  /** A source of the same bytes, for one sink. */
  member(): ByteSource {
    const { source } = this;
    let sink: ByteSink | null = null;
    let leave: () => void = () => {};
    const hold = (isHeld: boolean) => {
      const { holders } = this;
      if (isHeld) holders.add(hold);
      else if (!holders.delete(hold)) return;
      if (holders.size === Number(isHeld)) source.hold?.(isHeld);
    };
    return {
      name: source.name,
      start: async (own) => {
        const left = new Promise<void>((resolve) => {
          leave = resolve;
        });
        sink = own;
        try {
          await Promise.race([this.join(own, () => sink === own), left]);
        } catch (error) {
          sink = null;
          throw error;
        }
      },
      stop: async () => {
        const own = sink;
        sink = null;
        hold(false);
        leave();
        if (own !== null) await this.remove(own);
      },
      send: (bytes) => source.send(bytes),
      ...(source.hold === undefined ? {} : { hold }),
      counters: () => source.counters(),
    };
  }

  private async join(sink: ByteSink, isWanted: () => boolean): Promise<void> {
    await this.stopping;
    if (!isWanted()) return;
    this.sinks = [...this.sinks, sink];
    if (this.openedWhat !== null) sink.opened(this.openedWhat);
    this.starting ??= this.source.start(this.fan);
    try {
      await this.starting;
    } catch (error) {
      // It may be tried again by whoever starts next.
      this.starting = null;
      this.sinks = this.sinks.filter((other) => other !== sink);
      throw error;
    }
  }

  private async remove(sink: ByteSink): Promise<void> {
    if (!this.sinks.includes(sink)) return;
    if (this.sinks.length > 1) {
      this.sinks = this.sinks.filter((other) => other !== sink);
      if (this.openedWhat !== null) sink.closed('stopped');
      return;
    }
    this.starting = null;
    this.stopping = this.source.stop();
    await this.stopping;
    this.sinks = [];
  }
}
