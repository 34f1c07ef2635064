import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import {
  type ByteSource,
  FirmwareDevice,
  IngestError,
  MemorySource,
  openPty,
  SerialSource,
  SharedSource,
  SimulatedDevice,
  standardInput,
  TcpSource,
  WAITING_PROVIDERS,
} from '../ingest/index.js';
import { type Column, SpecError } from '../spec/index.js';
import type { Config } from './config.js';

/** What plays a log as a device. */
export interface LogPlayer {
  start(): void;
  stop(): void;
  /** Resolves when everything has been sent, rejects where it was cut off. */
  readonly finished: Promise<void>;
  /** How much that is; undefined where `finished` waits until it was read. */
  readonly totalBytes?: number;
}

/** A source made from a configuration, and what plays it where it is a log. */
export interface OpenedSource {
  readonly source: ByteSource;
  /** What a person should know about it: `/dev/ttyACM0 at 115200`. */
  readonly description: string;
  /** A real device may be in the middle of a line when its port opens; one that plays a log starts with its first. */
  readonly opensMidLine: boolean;
  /** The source has an end, after which nothing more comes. */
  readonly endsItself: boolean;
  /** Plays the log, once the source is open; absent for a real port. */
  readonly device: LogPlayer | undefined;
  /** Releases what is beside the source. */
  close(): Promise<void>;
}

/** The ports of a process: those that several configurations name alike are opened once for all of them. */
export class Ports {
  private readonly sources = new Map<string, SharedSource>();

  /** The port of a configuration, which has one. @throws SpecError where its address is none */
  open({ file, source }: Config): ByteSource {
    const key = JSON.stringify(portOf(source));
    let shared = this.sources.get(key);
    if (shared === undefined) {
      shared = new SharedSource(makePort(source, file));
      this.sources.set(key, shared);
    }
    return shared.member();
  }
}

/** What of a configuration decides how its port is opened. */
export function portOf({ port, baudRate, wait, resetOnOpen, lowLatency }: Config['source']) {
  return { port, baudRate, wait, resetOnOpen, lowLatency };
}

function makePort({ port = '', baudRate, wait, resetOnOpen, lowLatency }: Config['source'], file: string): ByteSource {
  if (port === '-') return standardInput();
  if (!port.startsWith('tcp:')) return new SerialSource({ path: port, baudRate, wait, resetOnOpen, lowLatency });
  const { host, port: number } = tcpAddress(port, file);
  return new TcpSource({ host, port: number, wait });
}

/**
 * Chooses where bytes come from: the port, or else the log played on a pseudo-terminal: as frames by the C library for
 * devices, as text where there is no compiler for it, and inside the process where nothing here makes a terminal that
 * waits for its reader. Of a log every row arrives.
 *
 * @param ports where a port is shared with others that open it there
 * @throws SpecError where the configuration names neither, IngestError where the log cannot be read
 */
export async function openSource(config: Config, ports = new Ports()): Promise<OpenedSource> {
  const { port, baudRate, log } = config.source;
  if (port !== undefined) {
    const isInput = port === '-';
    return {
      source: ports.open(config),
      description: isInput ? 'standard input' : port.startsWith('tcp:') ? port : `${port} at ${baudRate}`,
      opensMidLine: !isInput,
      endsItself: isInput,
      device: undefined,
      async close() {},
    };
  }
  if (log === undefined) {
    throw new SpecError('CONFIG_SOURCE', {
      where: `${config.file}: source`,
      found: 'neither "port" nor "log"',
      expected: 'where rows come from',
      remedy: 'set source.port, or give --port /dev/…',
    });
  }
  const bytes = readLog(log);
  const shown = relative(process.cwd(), log);
  const withFrames = await openFirmwareDevice(config, log);
  if (withFrames.device !== null) {
    const { device } = withFrames;
    return {
      source: new SerialSource({ path: device.path, baudRate, waits: true }),
      description: `${shown} as frames of the C library for devices, on pseudo-terminal ${device.path}`,
      opensMidLine: false,
      endsItself: true,
      device,
      async close() {
        device.stop();
      },
    };
  }
  if (config.source.device === 'frames') {
    throw new IngestError('INGEST_NO_DEVICE', {
      where: `${config.file}: source.device`,
      found: withFrames.reason,
      expected: 'a C compiler, and a log it can play',
      remedy: 'install one (apt install gcc), or set source.device = "text"',
    });
  }
  const timing = timingOf(bytes, config);
  // Nothing but what waits for its reader plays every row, at whatever speed.
  const { pty, reason } = await openPty({ providers: WAITING_PROVIDERS });
  const why = withFrames.reason === '' ? '' : ` (no frames: ${withFrames.reason})`;
  if (pty === null) {
    const source = new MemorySource('log in this process');
    const device = new SimulatedDevice({ bytes, wire: source, ...timing });
    const description = `${shown} as text inside this process: ${reason}; apt install socat for one${why}`;
    return { source, description, opensMidLine: false, endsItself: true, device, async close() {} };
  }
  return {
    source: new SerialSource({ path: pty.path, baudRate, waits: true }),
    description: `${shown} as text on pseudo-terminal ${pty.path} made by ${pty.provider}${why}`,
    opensMidLine: false,
    endsItself: true,
    device: new SimulatedDevice({ bytes, wire: pty, ...timing }),
    close: () => pty.unplug(),
  };
}

/** The C library playing the log, or why it does not; '' where text is wanted. */
async function openFirmwareDevice(
  { source, columns }: Config,
  log: string,
): Promise<{ device: FirmwareDevice; reason: null } | { device: null; reason: string }> {
  if (source.device === 'text') return { device: null, reason: '' };
  return FirmwareDevice.open({
    log,
    speed: source.speed,
    timeColumn: columns.find(({ kind }) => kind === 'time')?.name,
    periodS: source.periodS,
    omit: columns.filter(({ kind }) => kind === 'ignore').map(({ name }) => name),
  });
}

/** @throws SpecError where it is no tcp://host:port */
function tcpAddress(text: string, file: string): { host: string; port: number } {
  const match = /^tcp:\/\/(?:\[([\da-f:.]+)\]|([^\s:/]+)):(\d{1,5})\/?$/i.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port < 1 || port > 65535) {
    throw new SpecError('CONFIG_SOURCE', {
      where: `${file}: source.port`,
      found: `"${text}"`,
      expected: 'tcp://host:port, the port from 1 to 65535',
    });
  }
  return { host: match[1] ?? match[2], port };
}

function readLog(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new IngestError('INGEST_NOT_FOUND', {
      where: `source.log ${file}`,
      found: (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file' : (error as Error).message,
      expected: 'a log to play',
      remedy: 'check the path; it is relative to the configuration file',
    });
  }
}

/** When each line of a log is due: by its time column where its header names one, else evenly. */
function timingOf(
  bytes: Uint8Array,
  { columns, source }: Config,
): { speed: number | 'max'; periodS?: number; rowTimeS?: (line: number) => number } {
  const { speed, periodS } = source;
  const time = columns.find((column: Column) => column.kind === 'time');
  const lines = speed === 'max' ? [] : new TextDecoder().decode(bytes).split('\n');
  const position = (lines[0] ?? '')
    .split(',')
    .map((name) => name.trim())
    .indexOf(time?.name ?? '');
  if (position < 0) return { speed, periodS };
  return { speed, rowTimeS: (line) => Number.parseFloat(lines[line]?.split(',')[position] ?? '') };
}
