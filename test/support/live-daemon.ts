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
  /** Of each task. */
  readonly ptys: readonly Pty[];
  /** Everything said on standard error. */
  said(): string;
  /** Plays a log as the device of a task, a row every `periodS`. */
  play(log: string, periodS: number, task?: number): SimulatedDevice;
  hears(text: RegExp): Promise<void>;
  /** Asks for JSON. */
  get<T>(path: string): Promise<T>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<{ status: number; body: Answer }>;
  /** Stops it, and returns everything it has said. */
  stop(): Promise<string>;
}

export type Answer = { error?: string; [key: string]: unknown };

/**
 * @param config one of a task, or of several, each with a port of its own
 * @param http the keys of `[http]` besides the port
 * @param node arguments of Node
 */
export async function startDaemon(
  context: TestContext,
  {
    config = LINE_CONFIG,
    http = '',
    port = 0,
    node = [],
  }: { config?: string | readonly string[]; http?: string; port?: number; node?: readonly string[] } = {},
): Promise<LiveDaemon> {
  const folder = mkdtempSync(join(tmpdir(), 'edgegrad-http-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const configs = typeof config === 'string' ? [config] : config;
  const ptys: Pty[] = [];
  const files = configs.map((_, i) => `live-${i}.toml`);
  for (const [i, text] of configs.entries()) {
    const pty = await needPty(context);
    ptys.push(pty);
    const page = i === 0 ? `[http]\nport = ${port}\n${http}\n` : '';
    writeFileSync(
      join(folder, files[i]),
      `${text}[source]\nport = "${pty.path}"\n[checkpoint]\nintervalS = 0\n${page}`,
    );
  }
  const child = spawn(process.execPath, [...node, CLI, 'run', ...files], {
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
  for (const { path } of ptys) await hears(new RegExp(`${path} at 115200`));
  const found = /page at http:\/\/[^:]+:(\d+)\//.exec(said)?.[1];
  const url = `http://127.0.0.1:${found ?? port}`;
  return {
    url,
    folder,
    pid: child.pid!,
    pty: ptys[0],
    ptys,
    said: () => said,
    hears,
    play(log, periodS, task = 0) {
      const device = new SimulatedDevice({ bytes: Buffer.from(log), wire: ptys[task], periodS, clock: realClock });
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
