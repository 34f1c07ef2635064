// @slow brokers come and go

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Outbox } from '../../src/daemon/mqtt/outbox.js';
import { Broker, Listener, Wire } from '../support/broker.js';
import { movedClock } from '../support/moved-clock.js';
import { needTool } from '../support/tools.js';

// The daemon and a real broker. Rows come by standard input, one at a time where the test says so.

const cli = join(import.meta.dirname, '../../dist/cli.js');

const config = (mqtt: string, more = '') => `name = "line"
columns = [{ name = "x", range = [-10, 10] }, { name = "y", unit = "kn" }]
task = { kind = "regress", features = ["x"], targets = ["y"], warmup = 0, labelWait = 8 }
network = { layers = [], optimizer = { kind = "sgd", rate = 0.05 } }
${more}
[mqtt]
clientId = "bench"
${mqtt}
`;

/** @param jumpsMs of its clock, one with each SIGUSR2 */
function started(text: string, jumpsMs: readonly number[] = [], port = '-') {
  const folder = mkdtempSync(join(tmpdir(), 'edgegrad-mqtt-'));
  writeFileSync(join(folder, 'line.toml'), text);
  const child = spawn(process.execPath, [...movedClock(folder, jumpsMs), cli, 'run', 'line.toml', '--port', port], {
    cwd: folder,
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (bytes) => {
    said += bytes;
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  });
  let sent = 0;
  return {
    child,
    ended,
    folder,
    said: () => said,
    /** Sends rows; without labels where told so. */
    send(count: number, hasLabels = true) {
      for (let i = 0; i < count; i++, sent++) {
        const x = ((sent * 7) % 40) / 4 - 5;
        child.stdin.write(`${x},${hasLabels ? 3 * x + 1 : ''}\n`);
      }
    },
  };
}

const until = (check: () => void) => vi.waitFor(check, { timeout: 15_000, interval: 10 });

test('messages that a client was given and not rid of are given to the next one, first and in order', () => {
  const given: { topic: string; done(): void }[] = [];
  const outbox = new Outbox(100, ({ topic }, done) => given.push({ topic, done }));
  for (let i = 0; i < 30; i++) outbox.push({ topic: `${i}`, payload: '', retain: false });
  outbox.open();
  given[0].done();
  given[2].done();
  const late = given.splice(0);
  expect(late).toHaveLength(18); // as many under way as may be
  outbox.takeBack();
  expect(outbox.size).toBe(28);
  late[1].done(); // of the client that was given up
  outbox.open();
  for (let i = 0; i < given.length; i++) given[i].done();
  expect(given.map(({ topic }) => Number(topic))).toEqual([1, ...Array.from({ length: 27 }, (_, i) => i + 3)]);
  expect([outbox.size, outbox.dropped]).toEqual([0, 0]);
});

test('availability, states, health and events are told; a killed process is told to be gone by the broker', async (context) => {
  needTool(context, 'mosquitto');
  const broker = await Broker.start();
  const listener = await Listener.to(broker.url);
  const run = started(config(`url = "${broker.url}"\nintervalS = 0`));
  run.send(30);
  await until(() => expect(listener.of('edgegrad/line/state').length).toBeGreaterThanOrEqual(20));
  expect(listener.of('edgegrad/availability/bench')).toEqual(['online']);
  expect(JSON.parse(listener.last('edgegrad/line/state')!)).toMatchObject({
    task: 'line',
    outcome: ['predicted', 'scored', 'learned'],
    prediction: { y: expect.any(Number) },
  });
  await until(() =>
    expect(JSON.parse(listener.last('edgegrad/line/health')!)).toMatchObject({ connected: true, learning: true }),
  );
  expect(listener.of('edgegrad/line/event').map((text) => JSON.parse(text).event)).toContainEqual(
    expect.stringMatching(/^rows are CSV/),
  );
  run.child.kill('SIGKILL');
  await until(() => expect(listener.last('edgegrad/availability/bench')).toBe('offline'));
  // What is retained is there for who comes later.
  const late = await Listener.to(broker.url);
  await until(() =>
    expect(
      late.heard
        .filter(({ retain }) => retain)
        .map(({ topic }) => topic)
        .sort(),
    ).toEqual([
      'edgegrad/availability/bench',
      'edgegrad/line/health',
      'edgegrad/line/learning',
      'edgegrad/line/state',
      'homeassistant/device/bench_line/config',
    ]),
  );
});

test('a process that is stopped says so itself', async (context) => {
  needTool(context, 'mosquitto');
  const broker = await Broker.start();
  const listener = await Listener.to(broker.url);
  const run = started(config(`url = "${broker.url}"`));
  run.send(30);
  await until(() => expect(listener.last('edgegrad/availability/bench')).toBe('online'));
  run.child.kill('SIGTERM');
  expect(await run.ended).toBe(0);
  await until(() => expect(listener.last('edgegrad/availability/bench')).toBe('offline'));
});

test('a broker that is killed and started again hears every row that found room, in order, and what is retained', async (context) => {
  needTool(context, 'mosquitto');
  const broker = await Broker.start();
  const wire = await Wire.to(broker.port);
  const listener = await Listener.to(broker.url);
  const run = started(config(`url = "${wire.url}"\nintervalS = 0\nbuffer = 200`));
  run.send(20);
  await until(() => expect(listener.of('edgegrad/line/state').length).toBeGreaterThanOrEqual(10));
  await broker.kill();
  await until(() => expect(run.said()).toMatch(/is away/));
  wire.cut();
  run.send(150);
  await broker.begin();
  await until(() => expect(listener.client.connected).toBe(true));
  await listener.client.subscribeAsync('#', { qos: 1 });
  wire.mend();
  const rowsOf = () => listener.of('edgegrad/line/state').map((text) => JSON.parse(text).row as number);
  await until(() => expect(rowsOf().at(-1)).toBe(170));
  const rows = [...new Set(rowsOf())];
  // Everything from the first predicted row on, none left out.
  expect(rows).toEqual(Array.from({ length: rows.length }, (_, i) => rows[0] + i));
  expect(rows.length).toBeGreaterThan(160);
  expect(run.said().match(/is away/g)).toHaveLength(1);
  expect(run.said()).toMatch(/is there: \d+ messages waited\n/);
  await until(() => expect(listener.last('edgegrad/availability/bench')).toBe('online'));

  // More than there is room for: the newest stay, and what was dropped is counted.
  wire.cut();
  await until(() => expect(run.said().match(/is away/g)).toHaveLength(2));
  run.send(300);
  await new Promise((resolve) => setTimeout(resolve, 300));
  wire.mend();
  await until(() => expect(rowsOf().at(-1)).toBe(470));
  const later = rowsOf().filter((row) => row > 170);
  expect(later.length).toBeLessThanOrEqual(200);
  expect(later).toEqual(Array.from({ length: later.length }, (_, i) => 470 - later.length + 1 + i));
  await until(() =>
    expect(JSON.parse(listener.last('edgegrad/line/health')!).messagesDropped).toBeGreaterThanOrEqual(100),
  );
});

test('a clock that is set back and forward by hours: availability, states, commands and what waits go on', async (context) => {
  needTool(context, 'mosquitto');
  const hour = 3.6e6;
  const jumpsMs = [-5 * hour, 30 * hour, -100 * hour, 0];
  const broker = await Broker.start();
  const listener = await Listener.to(broker.url);
  const wire = await Wire.to(broker.port);
  const run = started(config(`url = "${wire.url}"\nintervalS = 0.5\nbuffer = 100`), jumpsMs);
  const states = () =>
    listener.of('edgegrad/line/state').map((text) => JSON.parse(text) as { row: number; at: string });
  const rowsFor = async (ms: number) => {
    const from = performance.now();
    while (performance.now() - from < ms) {
      run.send(1);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  await until(() => expect(listener.last('edgegrad/availability/bench')).toBe('online'));
  await rowsFor(600);
  for (const [i, movedMs] of jumpsMs.entries()) {
    const isAway = i % 2 === 1; // every second time while the broker is away
    if (isAway) {
      wire.cut();
      await until(() => expect(listener.last('edgegrad/availability/bench')).toBe('offline'));
    }
    const told = states().length;
    run.child.kill('SIGUSR2');
    const shown = new Date(Date.now() + movedMs).toISOString().slice(0, 13);
    await until(() => expect(run.said()).toContain(`the clock says ${shown}`));
    await rowsFor(2600);
    if (isAway) {
      expect(states()).toHaveLength(told);
      wire.mend();
      await until(() => expect(listener.last('edgegrad/availability/bench')).toBe('online'));
    }
    // As many as the interval makes of the time, neither none nor every row; each says what the clock shows.
    await until(() => expect(states().length - told).toBeGreaterThanOrEqual(4));
    const news = states().slice(told);
    expect(news.length).toBeLessThanOrEqual(8);
    expect(news.map(({ row }) => row)).toEqual(news.map(({ row }) => row).toSorted((a, b) => a - b));
    expect(Math.abs(Date.parse(news.at(-1)!.at) - (Date.now() + movedMs))).toBeLessThan(20_000);
    const replies = listener.of('edgegrad/line/reply').length;
    await listener.client.publishAsync('edgegrad/line/set/learning', i % 2 === 0 ? 'OFF' : 'ON', { qos: 1 });
    await until(() => expect(listener.of('edgegrad/line/reply').length).toBe(replies + 1));
    await until(() => expect(listener.last('edgegrad/line/learning')).toBe(i % 2 === 0 ? 'OFF' : 'ON'));
  }
  expect(JSON.parse(listener.last('edgegrad/line/health')!).messagesDropped).toBe(0);
  run.child.kill('SIGTERM');
  expect(await run.ended).toBe(0);
  await until(() => expect(listener.last('edgegrad/availability/bench')).toBe('offline'));
});

test('commands are obeyed and answered: learning, save, label; nonsense is refused in words', async (context) => {
  needTool(context, 'mosquitto');
  const broker = await Broker.start();
  const listener = await Listener.to(broker.url);
  const run = started(config(`url = "${broker.url}"\nintervalS = 0`));
  run.send(20);
  await until(() => expect(listener.last('edgegrad/line/learning')).toBe('ON'));
  const command = async (name: string, payload: string) => {
    const before = listener.of('edgegrad/line/reply').length;
    await listener.client.publishAsync(`edgegrad/line/set/${name}`, payload, { qos: 1 });
    await until(() => expect(listener.of('edgegrad/line/reply').length).toBe(before + 1));
    return JSON.parse(listener.last('edgegrad/line/reply')!);
  };
  expect(await command('learning', 'OFF')).toEqual({ command: 'learning', ok: true });
  await until(() => expect(listener.last('edgegrad/line/learning')).toBe('OFF'));
  run.send(5);
  await until(() =>
    expect(JSON.parse(listener.last('edgegrad/line/state')!)).toMatchObject({
      row: 25,
      outcome: ['predicted', 'scored'],
    }),
  );
  expect(await command('learning', 'ON')).toEqual({ command: 'learning', ok: true });

  expect(await command('save', '')).toEqual({ command: 'save', ok: true });
  expect(existsSync(join(run.folder, 'edgegrad-state/line.safetensors'))).toBe(true);

  run.send(3, false);
  await until(() => expect(JSON.parse(listener.last('edgegrad/line/state')!).row).toBe(28));
  const { place } = JSON.parse(listener.last('edgegrad/line/state')!);
  expect(await command('label', JSON.stringify({ values: { y: 2 }, place: place - 1 }))).toEqual({
    command: 'label',
    ok: true,
  });
  expect(await command('label', JSON.stringify({ values: { y: 2 }, place: place - 1 }))).toMatchObject({ ok: false });
  expect(await command('label', JSON.stringify({ values: { y: 2 } }))).toEqual({ command: 'label', ok: true });

  for (const [name, payload, problem] of [
    ['learning', 'maybe', /ON or OFF/],
    ['label', '{', /JSON/],
    ['label', '{"values":{"z":1}}', /values: expected y/],
    ['label', '{"values":{"y":"1"}}', /values.y: expected a number/],
    ['label', '{"values":{"y":1},"age":-1}', /age: expected a whole number/],
    ['label', '[]', /expected \{/],
    ['label', ' '.repeat(5000), /more than 4096 bytes/],
    ['reboot', '', /learning, save or label/],
  ] as const) {
    expect(await command(name, payload)).toEqual({ command: name, ok: false, problem: expect.stringMatching(problem) });
  }
});

test('Home Assistant is told of a device whose every part it can find, at its own start too', async (context) => {
  needTool(context, 'mosquitto');
  const broker = await Broker.start();
  const listener = await Listener.to(broker.url);
  const run = started(config(`url = "${broker.url}"\nintervalS = 0`));
  run.send(20);
  const topic = 'homeassistant/device/bench_line/config';
  await until(() => expect(listener.last(topic)).toBeDefined());
  await until(() => expect(listener.last('edgegrad/line/state')).toBeDefined());
  const found = JSON.parse(listener.last(topic)!);
  expect(found).toMatchObject({
    dev: { ids: ['bench_line'], name: 'line', mf: 'edgegrad' },
    o: { name: 'edgegrad' },
    availability: [{ topic: 'edgegrad/availability/bench' }],
  });
  const parts: Record<string, string>[] = Object.values(found.cmps);
  expect(new Set(parts.map((part) => part.unique_id)).size).toBe(parts.length);
  const spoken = new Map(listener.heard.map((each) => [each.topic, each.text]));
  for (const part of parts) {
    expect(part.p).toMatch(/^(sensor|binary_sensor|switch|button)$/);
    if (part.state_topic === undefined) continue;
    // Every template reads a key that the message it is for has.
    const [, path] = /value_json\.(\w+)/.exec(part.value_template ?? '') ?? [];
    expect(spoken.has(part.state_topic), part.state_topic).toBe(true);
    if (path !== undefined) expect(JSON.parse(spoken.get(part.state_topic)!)).toHaveProperty(path);
  }
  expect(found.cmps.prediction_0).toMatchObject({
    value_template: "{{ (value_json.prediction or {}).get('y') }}",
    unit_of_measurement: 'kn',
    device_class: 'speed',
  });
  const before = listener.of(topic).length;
  await listener.client.publishAsync('homeassistant/status', 'online', { qos: 1 });
  await until(() => expect(listener.of(topic).length).toBe(before + 1));
});

test('predictions are unavailable for Home Assistant as soon as the device is gone', async (context) => {
  needTool(context, 'mosquitto');
  const broker = await Broker.start();
  const listener = await Listener.to(broker.url);
  const sockets: Socket[] = [];
  const device = createServer((socket) => {
    sockets.push(socket.on('error', () => {}));
    socket.write('1,2\n2,3\n3,4\n');
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void device.close());
  await once(device, 'listening');
  const { port } = device.address() as AddressInfo;
  const run = started(config(`url = "${broker.url}"\nintervalS = 0`), [], `tcp://127.0.0.1:${port}`);
  const isConnected = () => JSON.parse(listener.last('edgegrad/line/health') ?? '{}').connected;
  await until(() => expect(isConnected(), run.said()).toBe(true));
  device.close();
  for (const socket of sockets) socket.destroy();
  await vi.waitFor(() => expect(isConnected()).toBe(false), { timeout: 5000, interval: 10 });
  const { cmps } = JSON.parse(listener.last('homeassistant/device/bench_line/config')!);
  expect(cmps.prediction_0.availability).toContainEqual(expect.objectContaining({ topic: 'edgegrad/line/health' }));
});

test('a payload of 200 MB from another client is refused in words and not kept; learning and commands go on', async (context) => {
  needTool(context, 'mosquitto');
  const broker = await Broker.start();
  const listener = await Listener.to(broker.url, 'edgegrad/#');
  const run = started(config(`url = "${broker.url}"\nintervalS = 0`));
  run.send(20);
  await until(() => expect(listener.last('edgegrad/line/learning')).toBe('ON'));
  const peakMb = () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${run.child.pid}/status`, 'utf8'))![1]) / 1024;
  const before = peakMb();
  // A listener of its own would get it too.
  await listener.client.unsubscribeAsync('edgegrad/#');
  await listener.client.subscribeAsync(['edgegrad/line/reply', 'edgegrad/line/state', 'edgegrad/line/learning'], {
    qos: 1,
  });
  for (const name of ['label', 'save', 'learning']) {
    const size = name === 'label' ? 200e6 : 20e6;
    await listener.client.publishAsync(`edgegrad/line/set/${name}`, Buffer.alloc(size, 'x'), { qos: 1 });
  }
  await until(() => expect(listener.of('edgegrad/line/reply')).toHaveLength(3));
  for (const reply of listener.of('edgegrad/line/reply')) expect(reply).toMatch(/more than 4096 bytes/);
  expect(peakMb() - before).toBeLessThan(60);
  run.send(5);
  await until(() => expect(JSON.parse(listener.last('edgegrad/line/state')!).row).toBe(25));
  await listener.client.publishAsync('edgegrad/line/set/learning', 'OFF', { qos: 1 });
  await until(() => expect(listener.last('edgegrad/line/learning')).toBe('OFF'));
  expect(run.said()).not.toMatch(/is away/);
});

test('a wrong password is said, learning goes on, and no secret is in the log or the recording', async (context) => {
  needTool(context, 'mosquitto');
  const broker = await Broker.start('allow_anonymous false\n');
  const secret = 'correct "horse"';
  const run = started(
    config(
      `url = "${broker.url}"\nusername = "pi"\npassword = "correct \\"horse\\""`,
      '[record]\ndirectory = "records"\n',
    ),
  );
  run.send(40);
  await until(() => expect(run.said()).toMatch(/is away: .*(Not authorized|Connection refused)/i));
  run.child.stdin.end();
  expect(await run.ended).toBe(0);
  expect(run.said()).toMatch(/40 rows in all/);
  expect(run.said()).not.toMatch(/horse/);
  const [file] = readdirSync(join(run.folder, 'records'));
  const bytes = readFileSync(join(run.folder, 'records', file), 'latin1');
  expect(bytes).toMatch(/password = ."\(hidden\)/);
  expect(bytes).not.toMatch('horse');
  expect(bytes).not.toMatch(secret);
});

test('no broker at all keeps nothing from starting, learning and stopping', async () => {
  const run = started(config('url = "mqtt://127.0.0.1:1"'));
  run.send(40);
  run.child.stdin.end();
  expect(await run.ended).toBe(0);
  expect(run.said()).toMatch(/broker mqtt:\/\/127.0.0.1:1 is away/);
});

test('an alarm that begins or ends is told at once, and Home Assistant knows where to look for it', async (context) => {
  needTool(context, 'mosquitto');
  const broker = await Broker.start();
  const listener = await Listener.to(broker.url);
  const task = '{ kind = "anomaly", features = ["x", "y"], warmup = 100, alarmRate = 0.001 }';
  const run = started(
    config(`url = "${broker.url}"\nintervalS = 3600`)
      .replace(/^task = .*$/m, `task = ${task}`)
      .replace(/^network = .*$/m, ''),
  );
  run.send(2000);
  await until(() => expect(listener.last('homeassistant/device/bench_line/config')).toBeDefined());
  expect(JSON.parse(listener.last('homeassistant/device/bench_line/config')!).cmps.alarm).toMatchObject({
    p: 'binary_sensor',
    device_class: 'problem',
    state_topic: 'edgegrad/line/state',
  });
  run.child.stdin.write('1,900\n');
  run.send(30);
  const states = () => listener.of('edgegrad/line/state').map((text) => JSON.parse(text));
  await until(() => expect(states().find(({ row }) => row === 2001)?.outcome).toContain('alarm'));
  await until(() => expect(states().at(-1)).toMatchObject({ row: expect.toSatisfy((row: number) => row > 2001) }));
  // Nothing but the first row and the changes: an hour lies between states otherwise.
  const inAlarm = states().map(({ outcome }) => outcome.includes('alarm') as boolean);
  expect(inAlarm).toEqual(inAlarm.map((_, i) => i % 2 === 1));
});

test('an encrypted broker is known by the certificate of caFile, and refused without', async (context) => {
  needTool(context, 'mosquitto');
  needTool(context, 'openssl');
  const folder = mkdtempSync(join(tmpdir(), 'edgegrad-tls-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [key, certificate] = ['key.pem', 'cert.pem'].map((file) => join(folder, file));
  const made = `req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=broker -addext subjectAltName=IP:127.0.0.1`;
  execFileSync('openssl', [...made.split(' '), '-keyout', key, '-out', certificate], { stdio: 'ignore' });
  const broker = await Broker.start(`allow_anonymous true\ncertfile ${certificate}\nkeyfile ${key}\nuser root\n`);
  const url = broker.url.replace('mqtt:', 'mqtts:');
  const trusting = started(config(`url = "${url}"\ncaFile = "${certificate}"`));
  await until(() => expect(trusting.said()).toContain(`broker ${url} is there`));
  const wary = started(config(`url = "${url}"`).replace('"bench"', '"wary"'));
  await until(() => expect(wary.said()).toMatch(/is away: self-signed certificate/));
});
