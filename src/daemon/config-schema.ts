import * as v from 'valibot';
import { columnsSchema } from '../spec/column-schemas.js';
import { driftListSchema } from '../spec/drift-schemas.js';
import { memorySchema, monitorSchema } from '../spec/memory-schemas.js';
import { taskNetworkEntries } from '../spec/task-network-schemas.js';
import { taskSchema } from '../spec/task-schemas.js';
import { httpSchema } from './http-config.js';

// Keys, types, ranges and defaults of edgegrad.toml. docs/configuration.md is made from these descriptions.

const range = (min: number, max: number, what: string) =>
  v.pipe(
    v.number(),
    v.check((n) => n >= min && n <= max, what),
  );

const path = v.pipe(
  v.string(),
  v.check((text) => text.length > 0, 'a path'),
);

export const sourceSchema = v.strictObject({
  port: v.pipe(
    v.optional(path),
    v.description(
      'Serial device: /dev/serial/by-id/… (stable), a pattern of one (usb-Arduino*), usb:VID:PID[:serial], /dev/ttyUSB0; `edgegrad ports` lists them. Or tcp://host:port, as ser2net offers it, or - for standard input. Absent: the log is played instead.',
    ),
  ),
  baudRate: v.pipe(
    v.optional(
      v.pipe(
        v.number(),
        v.check((n) => Number.isInteger(n) && n >= 50 && n <= 12_000_000, 'a whole number from 50 to 12000000'),
      ),
      115200,
    ),
    v.description('Bits per second, as in the sketch.'),
  ),
  wait: v.pipe(
    v.optional(v.boolean(), false),
    v.description('Whether a port that is not there at the start is waited for. One that goes away later always is.'),
  ),
  resetOnOpen: v.pipe(
    v.optional(v.boolean(), true),
    v.description(
      'Whether opening the port may restart the board, as most do by its DTR line. false: it is asked not to, from the second opening on (hupcl).',
    ),
  ),
  lowLatency: v.pipe(
    v.optional(v.boolean(), true),
    v.description(
      'Whether the driver is asked to hand bytes on at once; FTDI adapters hold them for 16 ms otherwise. Ignored where it cannot.',
    ),
  ),
  queueKB: v.pipe(
    v.optional(range(128, 1e6, 'a number from 128 to 1000000'), 1024),
    v.description(
      'Kilobytes that may wait where rows come faster than they are learned. Sources that lose nothing by waiting (pipes, tcp, logs) are held instead; of a port, what finds no room is dropped and counted.',
    ),
  ),
  log: v.pipe(
    v.optional(path),
    v.description(
      'A recorded log played as a device on a pseudo-terminal, or inside the process where neither socat nor python3 can make one; relative to this file. Every row arrives.',
    ),
  ),
  periodS: v.pipe(
    v.optional(range(1e-6, 1e6, 'a number from 0.000001 to 1000000'), 1),
    v.description('Seconds between rows of a log without a time column.'),
  ),
  speed: v.pipe(
    v.optional(v.union([range(1e-3, 1e6, 'a number from 0.001 to 1000000'), v.literal('max')]), 1),
    v.description('How fast a log is played: times real time, or "max".'),
  ),
  device: v.pipe(
    v.optional(v.picklist(['auto', 'frames', 'text']), 'auto'),
    v.description(
      'What plays a log: the C library for devices (frames), built with the C compiler of this machine, or one that prints its lines (text). auto: frames where there is a compiler.',
    ),
  ),
  rowPeriodS: v.pipe(
    v.optional(range(1e-6, 4294, 'a number from 0.000001 to 4294')),
    v.description('Seconds between rows asked of a device that speaks frames. Absent: as it does by itself.'),
  ),
  output: v.pipe(
    v.optional(v.boolean(), false),
    v.description('Whether every prediction is sent back to a device that speaks frames.'),
  ),
});

export const checkpointSchema = v.strictObject({
  directory: v.pipe(
    v.optional(path, 'edgegrad-state'),
    v.description('Where checkpoints are kept, relative to where edgegrad was started.'),
  ),
  intervalS: v.pipe(
    v.optional(range(0, 1e9, 'a number from 0 to 1000000000'), 300),
    v.description('Seconds between checkpoints while something was learned; 0: only at the end.'),
  ),
});

export const recordSchema = v.strictObject({
  directory: v.pipe(
    v.optional(path),
    v.description('Where everything received is recorded, relative to where edgegrad was started. Absent: nowhere.'),
  ),
  flushS: v.pipe(
    v.optional(range(0.1, 3600, 'a number from 0.1 to 3600'), 5),
    v.description('Seconds that pass at most before what was received is written: what a killed process costs.'),
  ),
  segmentMB: v.pipe(
    v.optional(range(0.1, 4096, 'a number from 0.1 to 4096'), 32),
    v.description('Megabytes after which a new file is begun.'),
  ),
  segmentHours: v.pipe(
    v.optional(range(0.01, 8760, 'a number from 0.01 to 8760'), 24),
    v.description('Hours after which a new file is begun.'),
  ),
  quotaMB: v.pipe(
    v.optional(range(1, 1e9, 'a number from 1 to 1000000000'), 1024),
    v.description('Megabytes that recordings of this name may take; the oldest files are dropped.'),
  ),
  minFreeMB: v.pipe(
    v.optional(range(0, 1e9, 'a number from 0 to 1000000000'), 64),
    v.description('Megabytes of the disk that stay free: the oldest files are dropped, then nothing is recorded.'),
  ),
});

export const outputSchema = v.strictObject({
  ndjson: v.pipe(
    v.optional(v.boolean(), false),
    v.description('Whether every row and event is written to standard output, one JSON object a line; as `--ndjson`.'),
  ),
});

const topic = v.pipe(
  v.string(),
  v.check((text) => /^[^\s+#/][^\s+#]*$/.test(text) && !text.endsWith('/'), 'a topic without "+", "#" and white space'),
);

export const mqttSchema = v.strictObject({
  url: v.pipe(
    v.optional(
      v.pipe(
        v.string(),
        v.check(
          (text) => /^mqtts?:\/\/[^\s/@?#]+\/?$/.test(text),
          'mqtt://host[:port] or mqtts://host[:port], without user and password',
        ),
      ),
    ),
    v.description('The broker, mqtt://host[:port] or, encrypted, mqtts://host[:port]. Absent: none is told anything.'),
  ),
  username: v.pipe(v.optional(v.string()), v.description('Who to log in as. Absent: nobody.')),
  password: v.pipe(v.optional(v.string()), v.description('Its password; better in a file of its own.')),
  passwordFile: v.pipe(
    v.optional(path),
    v.description('A file with the password in it, relative to where edgegrad was started.'),
  ),
  caFile: v.pipe(
    v.optional(path),
    v.description('Certificates (PEM) that the broker is to be known by. Absent: those of Node.'),
  ),
  clientId: v.pipe(
    v.optional(
      v.pipe(
        v.string(),
        v.check((text) => /^[\w.-]{1,64}$/.test(text), 'letters, digits, ".", "-" and "_", at most 64'),
      ),
    ),
    v.description(
      'Name of this process at the broker; two processes must differ. Default: edgegrad-HOST-ID-NAME, ID from /etc/machine-id.',
    ),
  ),
  topic: v.pipe(v.optional(topic, 'edgegrad'), v.description('What all topics begin with.')),
  intervalS: v.pipe(
    v.optional(range(0, 86_400, 'a number from 0 to 86400'), 1),
    v.description('Seconds between states of a task at least; 0: every row.'),
  ),
  buffer: v.pipe(
    v.optional(
      v.pipe(
        v.number(),
        v.check((n) => Number.isInteger(n) && n >= 1 && n <= 1_000_000, 'a whole number from 1 to 1000000'),
      ),
      1000,
    ),
    v.description('Messages that wait while the broker is away; the oldest are dropped and counted.'),
  ),
  commands: v.pipe(v.optional(v.boolean(), true), v.description('Whether commands of the broker are obeyed.')),
  homeAssistant: v.pipe(
    v.optional(v.boolean(), true),
    v.description('Whether Home Assistant is told of every task as a device.'),
  ),
  discoveryPrefix: v.pipe(v.optional(topic, 'homeassistant'), v.description('Where Home Assistant looks for devices.')),
});

export const networkSchema = v.strictObject({
  ...taskNetworkEntries,
  seed: v.pipe(
    v.optional(
      v.pipe(
        v.number(),
        v.check((n) => Number.isInteger(n) && n >= 0 && n < 2 ** 32, 'a whole number from 0 to 4294967295'),
      ),
      1,
    ),
    v.description('Seed of the first weights.'),
  ),
  executor: v.pipe(
    v.optional(v.picklist(['auto', 'simd', 'reference']), 'auto'),
    v.description('What runs the network; both give the same bits. auto: simd where the machine has it.'),
  ),
});

export { httpSchema };

export const configSchema = v.strictObject({
  name: v.pipe(
    v.optional(
      v.pipe(
        v.string(),
        v.check((text) => /^[\w.-]{1,64}$/.test(text), 'letters, digits, ".", "-" and "_", at most 64'),
      ),
      'edgegrad',
    ),
    v.description('Names the checkpoint file and the status line.'),
  ),
  source: v.optional(sourceSchema, {}),
  columns: columnsSchema,
  task: taskSchema,
  network: v.optional(networkSchema, {}),
  drift: v.optional(driftListSchema, []),
  memory: v.optional(memorySchema),
  monitor: v.optional(monitorSchema),
  checkpoint: v.optional(checkpointSchema, {}),
  record: v.optional(recordSchema, {}),
  output: v.optional(outputSchema, {}),
  mqtt: v.optional(mqttSchema, {}),
  http: v.optional(httpSchema, {}),
});
