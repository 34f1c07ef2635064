import { readFileSync } from 'node:fs';
import type * as v from 'valibot';
import { columnSchema } from '../spec/column-schemas.js';
import { driftSchemas } from '../spec/drift-schemas.js';
import { memorySchema, monitorSchema } from '../spec/memory-schemas.js';
import { denseSchema, dropoutSchema, layerNormSchema, optimizerSchemas } from '../spec/network-schemas.js';
import { consolidationSchemas } from '../spec/task-network-schemas.js';
import { taskSchema } from '../spec/task-schemas.js';
import {
  checkpointSchema,
  configSchema,
  httpSchema,
  mqttSchema,
  networkSchema,
  outputSchema,
  recordSchema,
  sourceSchema,
} from './config-schema.js';
import { demoConfigPath } from './demo.js';

type Schema = v.GenericSchema<unknown, unknown>;

/** What of a valibot schema a table shows. */
interface Inside {
  type: string;
  entries?: Record<string, Schema>;
  wrapped?: Schema;
  default?: unknown;
  options?: readonly unknown[];
  literal?: unknown;
  item?: Schema;
  pipe?: readonly { type: string; description?: string }[];
  expects: string;
}

/** docs/configuration.md: every table of edgegrad.toml, made from the schema that checks it. */
export function configurationPage(): string {
  const tables: [title: string, intro: string, schema: unknown][] = [
    ['The file', 'Keys at the top.', { entries: { name: configSchema.entries.name } }],
    ['[source]', 'Where bytes come from: a serial port, or a log played as a device.', sourceSchema],
    ['[[columns]]', 'What the device prints, one table a column, in order when it prints no names.', columnSchema],
    ['[task]', 'What is learned.', taskSchema],
    ['[network]', 'The hidden part of the network; inputs, output layer and loss follow from the task.', networkSchema],
    ...[denseSchema, layerNormSchema, dropoutSchema].map((schema): [string, string, unknown] => [
      `network.layers: ${schema.entries.kind.pipe[0].literal}`,
      'One of a list of tables.',
      schema,
    ]),
    ...optimizerSchemas.map((schema): [string, string, unknown] => [
      `network.optimizer: ${schema.entries.kind.pipe[0].literal}`,
      'A table.',
      schema,
    ]),
    ...driftSchemas.map((schema): [string, string, unknown] => [
      `[[drift]]: ${schema.entries.detector.pipe[0].literal}`,
      'A watcher for changes, one table each ([learning.md](learning.md#drift)).',
      schema,
    ]),
    ...consolidationSchemas.map((schema): [string, string, unknown] => [
      `network.consolidation: ${schema.entries.kind.pipe[0].literal}`,
      'A table.',
      schema,
    ]),
    [
      '[memory]',
      'Rows that are remembered and learned from again ([learning.md](learning.md)). The table alone is enough; absent: none.',
      memorySchema,
    ],
    [
      '[monitor]',
      'Rows that are held out, to show what has been forgotten. The table alone is enough; absent: none.',
      monitorSchema,
    ],
    ['[checkpoint]', 'Where what was learned is kept.', checkpointSchema],
    ['[record]', 'What was received, kept to be replayed ([recordings.md](recordings.md)).', recordSchema],
    ['[output]', 'What goes out ([outputs.md](outputs.md)).', outputSchema],
    ['[mqtt]', 'A broker that is told what happens, and may give commands ([outputs.md](outputs.md)).', mqttSchema],
    ['[http]', 'The page, metrics and health of the process ([http.md](http.md)).', httpSchema],
  ];
  return [
    '# Configuration',
    '',
    '`edgegrad run my.toml` reads one TOML file. Unknown keys are refused by name. This page is made by `npm run docs` from',
    'the schema that checks the file.',
    '',
    ...tables.flatMap(([title, intro, schema]) => [`## ${title}`, '', intro, '', ...tableOf(schema as Inside), '']),
    '## Example',
    '',
    'The shipped `models/sailing-wind/edgegrad.toml`:',
    '',
    '```toml',
    readFileSync(demoConfigPath(), 'utf8').trimEnd(),
    '```',
    '',
  ].join('\n');
}

function tableOf({ entries = {} }: Inside): string[] {
  const rows = Object.entries(entries).map(([key, schema]) => {
    const inside = schema as unknown as Inside;
    return `| \`${key}\` | ${typeOf(inside)} | ${defaultOf(inside)} | ${descriptionOf(inside)} |`;
  });
  return ['| key | type | default | |', '|---|---|---|---|', ...rows];
}

function typeOf(schema: Inside): string {
  if (schema.wrapped) return typeOf(schema.wrapped as unknown as Inside);
  const words: Record<string, string> = {
    array: 'list',
    strict_object: 'table',
    tuple: '[number, number]',
    variant: 'table',
  };
  if (schema.type === 'literal') return `\`"${String(schema.literal)}"\``;
  if (schema.type === 'picklist') return (schema.options ?? []).map((option) => `\`"${String(option)}"\``).join(' ');
  if (schema.type === 'union') return (schema.options as Inside[]).map(typeOf).join(' or ');
  return words[schema.type] ?? schema.type;
}

function defaultOf(schema: Inside): string {
  if (schema.type !== 'optional') return 'required';
  if (schema.default === undefined || schema.default === '') return '–';
  return `\`${JSON.stringify(schema.default)}\``;
}

function descriptionOf(schema: Inside): string {
  const note = schema.pipe?.find((item) => item.type === 'description');
  return (note?.description ?? '').replaceAll('|', '\\|');
}
