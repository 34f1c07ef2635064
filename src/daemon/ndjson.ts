import type { Writable } from 'node:stream';
import type { Output, OutputContext } from './live-task.js';
import { rowMessage } from './row-message.js';

/** Bytes that wait for a slow reader from which on rows are held back, where their source can wait. */
const MANY_WAITING_BYTES = 1 << 16;
/** And from which on lines are dropped whole, and counted: a port does not wait. */
const MOST_WAITING_BYTES = 1 << 20;

/**
 * One JSON object a line on standard output: every row of every task, and every event (`event`, `priority`). A reader that
 * is too slow holds back rows that come through a pipe, and loses lines of those of a port; one that goes away ends the
 * run.
 */
export class NdjsonOutput implements Output<true> {
  private readonly ends: (() => void)[] = [];
  private dropped = 0;
  private isDropping = false;
  private isHolding = false;
  private isClosed = false;

  constructor(
    private readonly context: OutputContext,
    private readonly out: Writable,
  ) {}

  async start(): Promise<void> {
    const { out, context } = this;
    out.on('error', () => this.closed());
    for (const task of context.tasks) {
      const { name } = task.config;
      this.ends.push(
        task.observe({
          row: (outcome) => this.write(rowMessage(name, task.stream, outcome, Date.now())),
          event: ({ timeMs, priority, text }) =>
            this.write({ task: name, at: new Date(timeMs).toISOString(), event: text, priority }),
        }),
      );
    }
  }

  /** There is nothing to set. */
  async change(): Promise<void> {}

  async stop(withinMs: number): Promise<void> {
    for (const end of this.ends) end();
    const { out } = this;
    const until = performance.now() + withinMs;
    while (!this.isClosed && out.writableLength > 0 && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    this.isClosed = true;
  }

  private write(message: object): void {
    const { out } = this;
    if (this.isClosed) return;
    if (out.writableLength > MOST_WAITING_BYTES) {
      this.dropped++;
      if (!this.isDropping) this.say('standard output is read too slowly: rows are left out of it', true);
      return;
    }
    if (this.isDropping && out.writableLength === 0)
      this.say(`standard output goes on, ${this.dropped} lines left out`, false);
    out.write(`${JSON.stringify(message)}\n`);
    if (!this.isHolding && out.writableLength > MANY_WAITING_BYTES) {
      this.hold(true);
      out.once('drain', () => this.hold(false));
    }
  }

  private hold(isHolding: boolean): void {
    this.isHolding = isHolding;
    for (const task of this.context.tasks) task.hold(isHolding);
  }

  private say(text: string, isDropping: boolean): void {
    this.isDropping = isDropping;
    this.context.say(text, isDropping ? 'warning' : 'info');
  }

  private closed(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.context.say('standard output is closed: nobody wants more rows', 'warning');
    this.context.stop();
  }
}
