import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, type TestContext, vi } from 'vitest';
import { type Pty, realClock, SimulatedDevice } from '../../src/ingest/index.js';
import { needPty } from './pty.js';

// The bundle as a process of its own, its port a pseudo-terminal, its page on a free port.

const CLI = join(import.meta.dirname, '../../dist/cli.js');

/** y = 3x + 1, and a column that has nothing to do with it. */
export const lineLog = (rows: number): string =>
  `x,y,z\n${Array.from({ length: rows }, (_, i) => {
    const x = ((i * 7) % 40) / 4 - 5;
    return `${x},${3 * x + 1},${i % 10}\n`;
  }).join('')}`;

export const LINE_CONFIG = `name = "line"
columns = [{ name = "x", unit = "cm" }, { name = "y", unit = "V" }, { name = "z", range = [0, 8] }]
task = { kind = "regress", features = ["x", "z"], targets = ["y"], warmup = 20, window = 50 }
`;

export interface LiveDaemon {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  readonly folder: string;
  readonly pid: number;
  readonly pty: Pty;
  /** Everything said on standard error. */
  said(): string;
  /** Plays a log as the device, a row every `periodS`. */
  play(log: string, periodS: number): SimulatedDevice;
  hears(text: RegExp): Promise<void>;
  /** Asks for JSON. */
  get<T>(path: string): Promise<T>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<{ status: number; body: Answer }>;
  /** Stops it, and returns everything it has said. */
  stop(): Promise<string>;
}

export type Answer = { error?: string; [key: string]: unknown };

/** @param http the keys of `[http]` besides the port */
export async function startDaemon(
  context: TestContext,
  { config = LINE_CONFIG, http = '', port = 0 }: { config?: string; http?: string; port?: number } = {},
): Promise<LiveDaemon> {
  const pty = await needPty(context);
  const folder = mkdtempSync(join(tmpdir(), 'edgegrad-http-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(
    join(folder, 'live.toml'),
    `${config}[source]\nport = "${pty.path}"\n[checkpoint]\nintervalS = 0\n[http]\nport = ${port}\n${http}\n`,
  );
  const child = spawn(process.execPath, [CLI, 'run', 'live.toml'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (bytes) => {
    said += bytes;
  });
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await closed;
  });
  const hears = (text: RegExp) => vi.waitFor(() => expect(said).toMatch(text), { timeout: 20_000, interval: 10 });
  await hears(/at 115200/);
  const found = /page at http:\/\/[^:]+:(\d+)\//.exec(said)?.[1];
  const url = `http://127.0.0.1:${found ?? port}`;
  return {
    url,
    folder,
    pid: child.pid!,
    pty,
    said: () => said,
    hears,
    play(log, periodS) {
      const device = new SimulatedDevice({ bytes: Buffer.from(log), wire: pty, periodS, clock: realClock });
      onTestFinished(() => device.stop());
      device.start();
      return device;
    },
    async get<T>(path: string) {
      return (await (await fetch(url + path)).json()) as T;
    },
    async post(path, body, headers = {}) {
      const response = await fetch(url + path, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', ...headers },
        body: JSON.stringify(body),
      });
      return { status: response.status, body: (await response.json()) as Answer };
    },
    async stop() {
      child.kill('SIGTERM');
      expect(await closed).toBe(0);
      return said;
    },
  };
}

/** The messages of /api/events, as they come. */
export async function listen(
  url: string,
  headers: Record<string, string> = {},
): Promise<{ messages: { name: string; data: unknown; atMs: number }[]; end(): void }> {
  const abort = new AbortController();
  const response = await fetch(`${url}/api/events`, { signal: abort.signal, headers });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  const messages: { name: string; data: unknown; atMs: number }[] = [];
  const end = () => abort.abort();
  onTestFinished(end);
  void (async () => {
    let text = '';
    try {
      for await (const bytes of response.body!.pipeThrough(new TextDecoderStream())) {
        text += bytes;
        const parts = text.split('\n\n');
        text = parts.pop()!;
        for (const part of parts) {
          const name = /^event: (.*)$/m.exec(part)?.[1];
          const data = /^data: (.*)$/m.exec(part)?.[1];
          if (name !== undefined) messages.push({ name, data: JSON.parse(data!), atMs: performance.now() });
        }
      }
    } catch {
      // Cut off, by us or by the process.
    }
  })();
  return { messages, end };
}
