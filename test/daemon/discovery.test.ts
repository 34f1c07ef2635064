import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { configOf } from '../../src/daemon/config.js';
import type { LiveTask } from '../../src/daemon/live-task.js';
import { discovery } from '../../src/daemon/mqtt/discovery.js';
import { topicsOf } from '../../src/daemon/mqtt/topics.js';
import { homeUnit, homeUnits } from '../../src/daemon/mqtt/units.js';
import { streamOptionsOf } from '../../src/recording/index.js';
import { createStream } from '../../src/stream/index.js';
import '../support/seed.js';
import { needTool } from '../support/tools.js';

/** Debian's packages are of Debian's Python. */
const python = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';

interface Part {
  p: string;
  value_template: string;
  unit_of_measurement?: string;
  device_class?: string;
  availability?: { topic: string; value_template?: string }[];
}
interface Payload {
  dev: Record<string, unknown>;
  cmps: Record<string, Part>;
}

const KINDS = {
  regress: (x: string, y: string) => `{ kind = "regress", features = [${x}], targets = [${y}] }`,
  forecast: (_: string, y: string) => `{ kind = "forecast", features = [${y}], targets = [${y}], horizons = [3] }`,
  anomaly: (x: string, y: string) => `{ kind = "anomaly", features = [${x}, ${y}] }`,
  classify: (x: string, y: string) => `{ kind = "classify", features = [${x}], targets = [${y}] }`,
};
type Kind = keyof typeof KINDS;

/** What a task with two columns publishes for Home Assistant. */
function payloadOf(kind: Kind, x: string, y: string, unit: string, more = ''): Payload {
  const [quotedX, quotedY, quotedUnit] = [x, y, unit].map((text) => JSON.stringify(text));
  const target = kind === 'classify' ? 'kind = "class", classes = 3' : `unit = ${quotedUnit}`;
  const config = configOf(
    `name = "room"
columns = [{ name = ${quotedX} }, { name = ${quotedY}, ${target} }]
task = ${KINDS[kind](quotedX, quotedY)}
${more}
[mqtt]
url = "mqtt://127.0.0.1"
`,
    'room.toml',
  );
  const stream = createStream(streamOptionsOf(config));
  const about = { clientId: 'pi', availability: 'edgegrad/availability/pi', version: '1.0.0', commands: true };
  return discovery({ config, stream } as LiveTask, topicsOf('edgegrad', 'room'), about) as Payload;
}

/** What is wrong with payloads, by Home Assistant's schema and its templates; each case is a template, a message and a text. */
function check(payloads: { config: Payload; cases: object[] }[]) {
  const { stdout, stderr, status } = spawnSync(python, [join(import.meta.dirname, 'home-assistant-schema.py')], {
    input: payloads.map((payload) => `${JSON.stringify(payload)}\n`).join(''),
    encoding: 'utf8',
  });
  return { status, text: stdout + stderr };
}

function needPython(context: Parameters<typeof needTool>[0]): void {
  needTool(context, 'python3');
  if (spawnSync(python, ['-c', 'import voluptuous, jinja2']).status === 0) return;
  if (process.env.CI) throw new Error('python3-voluptuous and python3-jinja2 are not installed');
  console.log('not tried, as python3-voluptuous or python3-jinja2 is not installed');
  context.skip('python3-voluptuous or python3-jinja2 is not installed');
}

const casesOf = (config: Payload, name: string) => {
  const { value_template: template } = config.cmps.prediction_0;
  return [
    { template, value: { prediction: { [name]: 1.25 } }, expected: '1.25' },
    { template, value: { prediction: { [name]: null } }, expected: 'None' },
    { template, value: { outcome: ['quarantined'] }, expected: 'None' },
  ];
};

test('Home Assistant takes the payload of every task kind, with any column name and unit', (context) => {
  needPython(context);
  const payloads: { config: Payload; cases: object[] }[] = [];
  const name = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
    .filter((text) => text.trim() === text && !/[\p{C},"]/u.test(text));
  const unit = fc.constantFrom(...homeUnits().map(([spelling]) => spelling), '', 'furlong');
  const add = (kind: Kind, x: string, y: string, given: string) => {
    let config: Payload;
    try {
      config = payloadOf(kind, x, y, given);
    } catch (error) {
      if (/\+|columns/.test((error as Error).message)) return; // a name that a configuration may not have
      throw error;
    }
    const output = kind === 'forecast' ? `${y}+3` : y;
    payloads.push({ config, cases: kind === 'regress' || kind === 'forecast' ? casesOf(config, output) : [] });
  };
  for (const kind of Object.keys(KINDS) as Kind[]) {
    for (const y of ["d'eau", '}}', '{% raw %}', 'a\\b', '°C', '{{x}}', "']|x"]) add(kind, 'x', y, 'degC');
    fc.assert(
      fc.property(name, unit, (y, given) => add(kind, y === 'x' ? 'z' : 'x', y, given)),
      { numRuns: 12 },
    );
  }
  for (const [spelling] of homeUnits()) add('regress', 'x', 'y', spelling);
  expect(payloads.length).toBeGreaterThan(120);
  expect(check(payloads)).toEqual({ status: 0, text: `${payloads.length} payloads, 0 wrong\n` });
});

test('the check refuses an unknown key, a unit of another kind and a broken template', (context) => {
  needPython(context);
  const good = payloadOf('regress', 'x', 'y', 'degC');
  for (const [wrong, reason] of [
    [{ colour: 'red' }, /extra keys not allowed/],
    [{ unit_of_measurement: 'degC' }, /is none of temperature/],
    [{ value_template: "{{ value_json['d'eau'] }}" }, /template/],
  ] as const) {
    const config = structuredClone(good);
    Object.assign(config.cmps.prediction_0, wrong);
    expect(check([{ config, cases: [] }])).toEqual({ status: 1, text: expect.stringMatching(reason) });
  }
});

test('units are spelled as Home Assistant spells them, with the kind of sensor', () => {
  expect(payloadOf('regress', 'x', 'y', 'degC').cmps.prediction_0).toMatchObject({
    unit_of_measurement: '°C',
    device_class: 'temperature',
  });
  expect(homeUnit('kt')).toEqual({ unit: 'kn', deviceClass: 'speed' });
  expect(homeUnit('%')).toEqual({ unit: '%' });
  expect(homeUnit('furlong')).toEqual({ unit: 'furlong' });
  expect(payloadOf('regress', 'x', 'y', '').cmps.prediction_0).not.toHaveProperty('unit_of_measurement');
});

test('predictions are unavailable while the device is not there, and the page is linked where others reach it', () => {
  const { cmps, dev } = payloadOf('regress', 'x', 'y', 'kn');
  expect(cmps.prediction_0.availability?.map(({ topic }) => topic)).toEqual([
    'edgegrad/availability/pi',
    'edgegrad/room/health',
  ]);
  expect(dev).not.toHaveProperty('configuration_url');
  const http = (host: string) => `http = { port = 8080, host = "${host}", token = "0123456789abcdef0123" }`;
  expect(payloadOf('regress', 'x', 'y', 'kn', http('10.0.0.7')).dev.configuration_url).toBe('http://10.0.0.7:8080/');
  expect(payloadOf('regress', 'x', 'y', 'kn', http('127.0.0.1')).dev).not.toHaveProperty('configuration_url');
});
