import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { loadConfig } from '../daemon/index.js';
import { withoutSecrets } from '../daemon/secrets.js';
import { SerialSource, standardInput } from '../ingest/index.js';
import { monotonicNs, Recorder, RecordingError, wallNs } from '../recording/index.js';
import { EXIT_FAILED } from './errors.js';
import { parseBaud, parseDuration } from './options.js';

interface RecordFlags {
  port: string;
  out: string;
  baud: number;
  duration?: number;
  config?: string;
}

/** Between status lines: on a terminal, and elsewhere. */
const STATUS_MS = { terminal: 200, plain: 10_000 } as const;

export function recordCommand(): Command {
  return new Command('record')
    .description('record what a device sends, byte for byte, without learning, until told to stop')
    .requiredOption('-p, --port <path>', 'serial device, or - for standard input')
    .requiredOption('-o, --out <file>', 'recording to make (.mcap)')
    .option('-b, --baud <rate>', 'bits per second', parseBaud, 115200)
    .option('-d, --duration <time>', 'stop after 90s, 15m, 2h', parseDuration)
    .option('-c, --config <file>', 'kept in the recording, so that a replay needs no other')
    .action(async ({ port, out, baud, duration, config: file }: RecordFlags) => {
      if (!out.endsWith('.mcap')) {
        throw new RecordingError('RECORD_OUT', { where: '--out', found: out, expected: 'a file that ends with .mcap' });
      }
      const config = file === undefined ? undefined : loadConfig(file);
      const status = process.stderr;
      let problem = '';
      const say = (text: string) => status.write(status.isTTY ? `\r\x1b[K${text}\n` : `${text}\n`);
      const recorder = new Recorder({
        destination: { file: out },
        onState: (message) => {
          problem ||= message;
          say(message);
        },
      });
      if (config !== undefined) {
        recorder.event({
          type: 'config',
          file: config.file,
          ...withoutSecrets(config, readFileSync(config.file, 'utf8')),
        });
      }

      const source = port === '-' ? standardInput() : new SerialSource({ path: port, baudRate: baud });
      const startMs = performance.now();
      let isAgain = false;
      const ended = new AbortController();
      const stop = () => ended.abort();
      process.on('SIGINT', stop).on('SIGTERM', stop);
      const timers = [setInterval(() => show(), status.isTTY ? STATUS_MS.terminal : STATUS_MS.plain)];
      if (duration !== undefined) timers.push(setTimeout(stop, 1000 * duration));
      const show = () => {
        const { rxBytes = 0, rxChunks = 0, disconnects = 0 } = source.counters();
        const { bytesWritten, lostBytes } = recorder.metrics();
        const seconds = (performance.now() - startMs) / 1000;
        const line = `${out}  ${seconds.toFixed(0)} s  ${rxBytes} bytes in ${rxChunks} reads  ${bytesWritten} written${disconnects > 0 ? `  gone ${disconnects} times` : ''}${lostBytes > 0 ? `  LOST ${lostBytes} bytes` : ''}`;
        status.write(status.isTTY ? `\r\x1b[K${line.slice(0, status.columns - 1)}` : `${line}\n`);
      };
      try {
        await source.start({
          bytes: (buffer, length) => recorder.bytes(buffer, length, monotonicNs(), wallNs()),
          opened: (what) => {
            say(
              isAgain
                ? `${what} is back`
                : `recording ${port === '-' ? 'standard input' : `${port} at ${baud}`}; Ctrl-C ends it`,
            );
            recorder.event({ type: 'opened', what, isAgain, mayBeMidLine: port !== '-' });
            isAgain = true;
          },
          closed: (reason) => {
            recorder.event({ type: 'closed', reason });
            if (port === '-') stop();
            else if (reason !== 'stopped') say(`${port} is gone: ${reason}; waiting for it`);
          },
        });
        await recorder.flush();
        if (problem !== '') {
          await source.stop();
          throw new RecordingError('RECORD_OUT', {
            where: out,
            found: problem,
            expected: 'a file that can be written',
          });
        }
        if (!ended.signal.aborted) {
          await new Promise((resolve) => ended.signal.addEventListener('abort', resolve, { once: true }));
        }
        await source.stop();
        recorder.event({ type: 'end', reason: 'stop', finished: port === '-' });
      } finally {
        for (const timer of timers) clearInterval(timer);
        process.off('SIGINT', stop).off('SIGTERM', stop);
        await recorder.close();
      }
      show();
      if (status.isTTY) status.write('\n');
      const { lostBytes, lostEvents } = recorder.metrics();
      if (problem !== '' || lostBytes + lostEvents > 0) process.exitCode = EXIT_FAILED;
    });
}
