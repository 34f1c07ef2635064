import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished, type TestContext } from 'vitest';
import { openPty, type Pty, type PtyOptions } from '../../src/ingest/index.js';
import type { ByteSink } from '../../src/ingest/source.js';

/** A pseudo-terminal that goes with the test. Where none can be made the test is skipped, in CI it fails. */
export async function needPty(context: TestContext, options: PtyOptions = {}): Promise<Pty> {
  const { pty, reason } = await openPty(options);
  if (pty === null) {
    if (process.env.CI) throw new Error(reason);
    context.skip(reason);
    throw new Error('skipped');
  }
  onTestFinished(() => pty.unplug());
  return pty;
}

/** A directory that goes with the test. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'edgegrad-ingest-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** A sink that keeps what it hears and can be waited for. */
export class Listener implements ByteSink {
  readonly chunks: Buffer[] = [];
  readonly events: string[] = [];
  rxBytes = 0;
  private waiting: { until: () => boolean; resolve: () => void }[] = [];

  bytes(buffer: Uint8Array, length: number): void {
    this.chunks.push(Buffer.from(buffer.slice(0, length)));
    this.rxBytes += length;
    this.check();
  }

  opened(): void {
    this.events.push('opened');
    this.check();
  }

  closed(reason: string): void {
    this.events.push(`closed: ${reason}`);
    this.check();
  }

  received(): Buffer {
    return Buffer.concat(this.chunks);
  }

  /** Resolves as soon as it holds, looked at after every call. */
  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.waiting.push({ until: holds, resolve });
      this.check();
    });
  }

  private check(): void {
    this.waiting = this.waiting.filter(({ until, resolve }) => {
      if (!until()) return true;
      resolve();
      return false;
    });
  }
}
