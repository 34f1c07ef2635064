import { Command } from 'commander';
import { type Config, checkTogether, demoConfigPath, loadConfig, measureRowUs } from '../../daemon/index.js';
import { listPorts } from '../../ingest/index.js';
import { streamOptionsOf } from '../../recording/index.js';
import { createStream, saveStream } from '../../stream/index.js';
import { EXIT_FAILED } from '../errors.js';
import { mostRowsPerSecond } from '../rates.js';
import { type Finding, ok } from './finding.js';
import { checkBaud } from './listen.js';
import {
  checkClock,
  checkDisk,
  checkIntruders,
  checkMemory,
  checkNode,
  checkPower,
  checkSerialLibrary,
  checkSpeed,
} from './machine.js';
import { checkPort, checkPorts } from './port.js';

interface DoctorFlags {
  port?: string;
  listen?: boolean;
  json?: boolean;
}

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('look for what would keep this machine from learning: port, clock, disk, memory, speed')
    .argument('[config...]', 'configuration files, whose ports, networks and checkpoint directories are looked at')
    .option('-p, --port <path>', 'serial device, instead of the one in the configuration')
    .option(
      '--listen',
      'listen also to a port that another program has open, or to the only one where none is configured',
    )
    .option('--no-listen', 'do not open the port: boards with auto-reset restart')
    .option('--json', 'print one object on standard output')
    .action(async (files: string[], flags: DoctorFlags) => {
      const findings = await examine(files, flags);
      const problems = findings.filter(({ level }) => level === 'problem').length;
      process.stdout.write(
        flags.json ? `${JSON.stringify({ problems, findings })}\n` : `${findings.map(line).join('\n')}\n`,
      );
      if (problems > 0) process.exitCode = EXIT_FAILED;
    });
}

async function examine(files: readonly string[], flags: DoctorFlags): Promise<Finding[]> {
  const own = files.map((file) => loadConfig(file));
  checkTogether(own);
  const tasks = (own.length === 0 ? [loadConfig(demoConfigPath())] : own).map((config) => {
    const options = streamOptionsOf(config);
    return { config, options, stream: createStream(options) };
  });
  const ports = new Map(own.map((config) => [flags.port ?? config.source.port, config]));
  // Of each directory: what all tasks write there.
  const bytes = new Map<string, number>();
  for (const { config, stream } of tasks) {
    const { directory } = config.checkpoint;
    bytes.set(directory, (bytes.get(directory) ?? 0) + saveStream(stream).length);
  }
  const arenas = tasks.reduce((sum, { stream }) => sum + stream.network.input.buffer.byteLength, 0);
  const findings = [checkNode(), await checkSerialLibrary()];
  for (const config of own.length === 0 ? [undefined] : ports.values()) {
    findings.push(...(await examinePort(flags, config)));
  }
  findings.push(...checkIntruders(), checkClock(), ...checkPower());
  for (const [directory, size] of bytes) findings.push(...(await checkDisk(directory, size)));
  findings.push(checkMemory(arenas));
  for (const { config, stream, options } of tasks) {
    const speed = checkSpeed(stream, measureRowUs(options), own.length === 0 ? undefined : mostRowsPerSecond(config));
    findings.push(...(tasks.length === 1 ? speed : speed.map((finding) => named(finding, config))));
  }
  return findings;
}

const named = (finding: Finding, { name }: Config): Finding => ({ ...finding, text: `${name}: ${finding.text}` });

async function examinePort(flags: DoctorFlags, config: Config | undefined): Promise<Finding[]> {
  const name = flags.port ?? config?.source.port;
  if (name?.startsWith('tcp:')) return [ok('port', `${name}, which is not listened to here`)];
  if (name !== undefined) {
    const { path, findings, isFree } = checkPort(name);
    const mayListen = flags.listen ?? isFree;
    if (path === undefined || !mayListen || findings[0].level !== 'ok') return findings;
    return [...findings, await checkBaud(path, config?.source.baudRate ?? 115200, config)];
  }
  const ports = listPorts();
  if (!flags.listen || ports.length !== 1) return [checkPorts()];
  const { path, findings, isFree } = checkPort(ports[0].byId[0] ?? ports[0].path);
  if (path !== undefined && isFree) findings.push(await checkBaud(path, config?.source.baudRate ?? 115200, undefined));
  return [checkPorts(), ...findings];
}

function line({ check, level, text, remedy }: Finding): string {
  return `${level.padEnd(7)}  ${check.padEnd(12)}  ${text}${remedy === undefined ? '' : `; ${remedy}`}`;
}
