import { Command } from 'commander';
import { type Config, demoConfigPath, loadConfig } from '../../daemon/index.js';
import { listPorts } from '../../ingest/index.js';
import { createStream, saveStream } from '../../stream/index.js';
import { EXIT_FAILED } from '../errors.js';
import { mostRowsPerSecond } from '../rates.js';
import { measureRowUs } from '../row-time.js';
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
    .argument('[config]', 'configuration file, whose port, network and checkpoint directory are looked at')
    .option('-p, --port <path>', 'serial device, instead of the one in the configuration')
    .option(
      '--listen',
      'listen also to a port that another program has open, or to the only one where none is configured',
    )
    .option('--no-listen', 'do not open the port: boards with auto-reset restart')
    .option('--json', 'print one object on standard output')
    .action(async (file: string | undefined, flags: DoctorFlags) => {
      const findings = await examine(file, flags);
      const problems = findings.filter(({ level }) => level === 'problem').length;
      process.stdout.write(
        flags.json ? `${JSON.stringify({ problems, findings })}\n` : `${findings.map(line).join('\n')}\n`,
      );
      if (problems > 0) process.exitCode = EXIT_FAILED;
    });
}

async function examine(file: string | undefined, flags: DoctorFlags): Promise<Finding[]> {
  const config = loadConfig(file ?? demoConfigPath());
  const own = file === undefined ? undefined : config;
  const { seed, executor, ...network } = config.network;
  const options = { columns: config.columns, task: config.task, network, seed, executor };
  const stream = createStream(options);
  const bytes = saveStream(stream).length;
  return [
    checkNode(),
    await checkSerialLibrary(),
    ...(await examinePort(flags, own)),
    ...checkIntruders(),
    checkClock(),
    ...checkPower(),
    ...(await checkDisk(config.checkpoint.directory, bytes)),
    checkMemory(stream.network.input.buffer.byteLength),
    ...checkSpeed(stream, measureRowUs(options), own && mostRowsPerSecond(own)),
  ];
}

async function examinePort(flags: DoctorFlags, config: Config | undefined): Promise<Finding[]> {
  const name = flags.port ?? config?.source.port;
  if (name?.startsWith('tcp:')) return [ok('port', `${name}, which is not listened to here`)];
  if (name !== undefined) {
    const { path, findings, isFree } = checkPort(name);
    const mayListen = flags.listen ?? isFree;
    if (path === undefined || !mayListen || findings[0].level !== 'ok') return findings;
    return [...findings, await checkBaud(path, config?.source.baudRate ?? 115200, config?.columns)];
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
