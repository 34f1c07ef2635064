import { isJournal, type Priority, withPriority } from './journal.js';

/**
 * Lines at the bottom of a terminal that are written over as things go on, with messages scrolling above them. Where the
 * output is no terminal, every line is a line; where it is the journal, each has its priority.
 */
export class Console {
  #lines: readonly string[] = [];
  readonly #isJournal: boolean;

  constructor(private readonly out: NodeJS.WriteStream & { readonly fd?: number }) {
    this.#isJournal = isJournal(out.fd ?? -1);
  }

  /** Whether a person may be looking. */
  get isTerminal(): boolean {
    return this.out.isTTY;
  }

  /** Characters a line has room for. */
  get width(): number {
    return this.out.isTTY ? this.out.columns - 1 : 120;
  }

  /** Writes the lines anew, those that have changed. */
  show(lines: readonly string[]): void {
    const before = this.#lines;
    this.#lines = lines;
    if (this.out.isTTY) this.out.write(`${toTop(before.length)}${lines.join('\n')}`);
    else for (const line of lines) if (!before.includes(line)) this.#write(line, 'info');
  }

  /** A message of its own line. */
  say(text: string, priority: Priority = 'info'): void {
    const lines = this.#lines;
    if (this.out.isTTY) this.out.write(`${toTop(lines.length)}${text}\n${lines.join('\n')}`);
    else this.#write(text, priority);
  }

  /** Leaves the lines where they are and goes below them. */
  end(): void {
    if (this.out.isTTY && this.#lines.length > 0) this.out.write('\n');
    this.#lines = [];
  }

  #write(text: string, priority: Priority): void {
    this.out.write(`${this.#isJournal ? withPriority(text, priority) : text}\n`);
  }
}

/** To the beginning of so many lines, the last of which the cursor is in, and clears them. */
const toTop = (lines: number): string => `\r${lines > 1 ? `\x1b[${lines - 1}A` : ''}\x1b[J`;
