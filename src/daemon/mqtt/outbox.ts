/** What is to be published. */
export interface Message {
  readonly topic: string;
  readonly payload: string;
  readonly retain: boolean;
}

/** Messages handed to the client that the broker has not acknowledged yet, at most. */
const IN_FLIGHT = 16;

/**
 * Messages in order until the broker has acknowledged them. While it is away they wait; when there is no more room, the
 * oldest that waits is dropped and counted.
 */
export class Outbox {
  /** Messages dropped for want of room. */
  dropped = 0;
  private readonly waiting: Message[] = [];
  private inFlight: Message[] = [];
  private isOpen = false;

  /**
   * @param capacity messages that may wait
   * @param send hands one on; `done` is called once it is acknowledged. The client repeats what was cut off
   */
  constructor(
    public capacity: number,
    private readonly send: (message: Message, done: () => void) => void,
  ) {}

  /** Messages that are not acknowledged. */
  get size(): number {
    return this.waiting.length + this.inFlight.length;
  }

  push(message: Message): void {
    if (this.waiting.length >= this.capacity) {
      this.waiting.shift();
      this.dropped++;
    }
    this.waiting.push(message);
    this.pump();
  }

  /** The broker is there. */
  open(): void {
    this.isOpen = true;
    this.pump();
  }

  /** The broker is away. */
  close(): void {
    this.isOpen = false;
  }

  /** What was handed to a client that is given up is handed to the next one. */
  takeBack(): void {
    this.isOpen = false;
    this.waiting.unshift(...this.inFlight);
    this.inFlight = [];
  }

  private pump(): void {
    while (this.isOpen && this.inFlight.length < IN_FLIGHT) {
      const message = this.waiting.shift();
      if (message === undefined) return;
      const { inFlight } = this;
      inFlight.push(message);
      this.send(message, () => {
        const at = inFlight.indexOf(message);
        if (at >= 0) inFlight.splice(at, 1);
        if (inFlight === this.inFlight) this.pump();
      });
    }
  }
}
