// @slow processes and brokers with one configuration after the other

import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { BeginMessage } from '../../src/daemon/http/messages.js';
import { Broker, freePort, Listener } from '../support/broker.js';
import { configure, folderOfTest, LINE_CONFIG, lineRows, runDaemon } from '../support/daemon.js';
import { listen } from '../support/live-daemon.js';
import { needPty } from '../support/pty.js';
import { needTool } from '../support/tools.js';

// What goes out of a running process is changed by SIGHUP; its task learns on and keeps what it has.

const TOKEN = 'a-token-of-this-test';
const OTHER = 'another-token-of-it';
const bearer = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } });
const until = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 15_000, interval: 10 });
const statusAt = async (port: number, token?: string) =>
  (await fetch(`http://127.0.0.1:${port}/api/status`, token === undefined ? {} : bearer(token)).catch(() => null))
    ?.status ?? null;

/** A daemon of one task from standard input that has learned 100 rows. */
async function learning(sections: string) {
  const folder = folderOfTest();
  const write = (text: string) => configure(folder, 'a.toml', LINE_CONFIG('a', `[checkpoint]\nintervalS = 0\n${text}`));
  const run = runDaemon(folder, [write(sections), '--port', '-']);
  await run.hears(/standard input/);
  let rows = 0;
  const send = (count: number) => {
    run.child.stdin.write(lineRows(rows, count));
    rows += count;
  };
  send(100);
  await run.hears(/rows are CSV/);
  return {
    ...run,
    folder,
    send,
    /** Rewrites the configuration, sends SIGHUP, and waits for what is said from then on. */
    async reload(text: string, expected: RegExp) {
      write(text);
      const before = run.said().length;
      run.child.kill('SIGHUP');
      await vi.waitFor(() => expect(run.said().slice(before)).toMatch(expected), { timeout: 20_000, interval: 5 });
    },
    /** Stops it, and looks whether it has kept every row. */
    async stop() {
      run.child.kill('SIGTERM');
      expect(await run.closed, run.said()).toBe(0);
      expect(run.said()).toContain(`${rows} rows in all, ${rows} of them in this run`);
      expect(run.said()).toContain('gaps 0');
    },
  };
}

/** A port that somebody else has, and what frees it. */
async function takenPort(): Promise<{ port: number; free(): Promise<void> }> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise<void>((resolve) => server.once('listening', () => resolve()));
  const free = () => new Promise<void>((resolve) => server.close(() => resolve()));
  onTestFinished(() => void free());
  return { port: (server.address() as { port: number }).port, free };
}

test('the page moves to another port and asks for a token, and knows what it knew', async () => {
  const [first, second] = [await freePort(), await freePort()];
  const run = await learning(`[http]\nport = ${first}\n`);
  await until(async () => {
    const { messages, end } = await listen(`http://127.0.0.1:${first}`);
    await until(() => expect(messages.length).toBeGreaterThan(0));
    expect((messages[0].data as BeginMessage).tasks[0].past.length).toBeGreaterThan(0);
    end();
  });
  await run.reload(`[http]\nport = ${second}\ntoken = "${TOKEN}"\n`, /configuration changed: http\.port, http\.token/);
  expect(run.said()).toContain(`page at http://127.0.0.1:${second}/`);
  expect(await statusAt(first)).toBe(null);
  expect(await statusAt(second)).toBe(401);
  expect(await statusAt(second, TOKEN)).toBe(200);
  run.send(50);
  const { messages, end } = await listen(`http://127.0.0.1:${second}`, bearer(TOKEN).headers);
  await until(() => expect(messages.length).toBeGreaterThan(0));
  const [{ data }] = messages as { data: BeginMessage }[];
  expect(data.tasks[0].past.length).toBeGreaterThan(0);
  end();
  await run.stop();
});

test('another token, in the configuration or in its file: who had the old one is out at once', async () => {
  const port = await freePort();
  const run = await learning(`[http]\nport = ${port}\ntoken = "${TOKEN}"\n`);
  const page = await fetch(`http://127.0.0.1:${port}/api/events`, bearer(TOKEN));
  const ended = page.text().catch(() => ''); // until it is cut off
  writeFileSync(join(run.folder, 'token'), `${OTHER}\n`);
  const http = `[http]\nport = ${port}\ntokenFile = "token"\n`;
  await run.reload(http, /configuration changed: http\.token, http\.tokenFile/);
  await ended;
  expect(await statusAt(port, TOKEN)).toBe(401);
  expect(await statusAt(port, OTHER)).toBe(200);
  writeFileSync(join(run.folder, 'token'), `${TOKEN}\n`);
  await run.reload(http, /others may see the page now\n/);
  expect(await statusAt(port, OTHER)).toBe(401);
  expect(await statusAt(port, TOKEN)).toBe(200);
  writeFileSync(join(run.folder, 'token'), 'short');
  await run.reload(http, /\[http\] kept as it was: CONFIG_HTTP: .*5 characters/);
  expect(await statusAt(port, TOKEN)).toBe(200);
  expect(run.said()).not.toContain(TOKEN);
  await run.stop();
});

test('a port that is taken, or an address that is none: refused with the reason, and the old page goes on', async () => {
  const first = await freePort();
  const taken = await takenPort();
  const run = await learning(`[http]\nport = ${first}\n`);
  const wanted = `[http]\nport = ${taken.port}\n[output]\nndjson = false\n`;
  await run.reload(wanted, /\[http\] kept as it was: HTTP_ADDRESS: http: 127\.0\.0\.1:\d+: found a port that is taken/);
  expect(await statusAt(first)).toBe(200);
  // The same port at an address of another machine: the old one has to make room for the attempt.
  await run.reload(
    `[http]\nport = ${first}\nhost = "192.0.2.1"\ntoken = "${TOKEN}"\n`,
    /\[http\] kept as it was: HTTP_ADDRESS: .*found an address that cannot be had: EADDRNOTAVAIL/,
  );
  expect(await statusAt(first)).toBe(200);
  // What else has changed is taken all the same, and the rest with the next reload.
  await run.reload(`${wanted}[source]\nrowPeriodS = 1\n`, /configuration changed: source\.rowPeriodS\n/);
  expect(await statusAt(first)).toBe(200);
  await taken.free();
  await run.reload(wanted, /configuration changed: source\.rowPeriodS, http\.port/);
  expect(await statusAt(taken.port)).toBe(200);
  expect(await statusAt(first)).toBe(null);
  await run.reload(
    `[http]\nport = ${taken.port}\nhost = "0.0.0.0"\ntoken = "${TOKEN}"\n`,
    /configuration changed: http\.host/,
  );
  expect(await statusAt(taken.port)).toBe(401);
  expect(await statusAt(taken.port, TOKEN)).toBe(200);
  await run.stop();
});

test('the page is switched on and off', async () => {
  const port = await freePort();
  const run = await learning('');
  await run.reload(`[http]\nport = ${port}\n`, /configuration changed: http/);
  expect(await statusAt(port)).toBe(200);
  await run.reload('', /configuration changed: http/);
  expect(await statusAt(port)).toBe(null);
  await run.stop();
});

test('a configuration whose task cannot change so changes nothing that goes out either', async () => {
  const [first, second] = [await freePort(), await freePort()];
  const run = await learning(`[http]\nport = ${first}\n`);
  configure(run.folder, 'a.toml', LINE_CONFIG('a', `[http]\nport = ${second}\n`).replace('warmup = 10', 'warmup = 20'));
  run.child.kill('SIGHUP');
  await run.hears(/kept as it was: task\.warmup cannot change/);
  expect(await statusAt(first)).toBe(200);
  expect(await statusAt(second)).toBe(null);
  await run.stop();
});

test('another broker, topic and name: told there from then on, no row left out, and the old one is told that it is gone', async (context) => {
  needTool(context, 'mosquitto');
  const [a, b] = [await Broker.start(), await Broker.start()];
  const [atA, atB] = [await Listener.to(a.url), await Listener.to(b.url)];
  const run = await learning(`[mqtt]\nurl = "${a.url}"\nclientId = "bench"\nintervalS = 0\n`);
  const rowsAt = (listener: Listener, topic: string) =>
    listener.of(topic).map((text) => JSON.parse(text).row as number);
  await until(() => expect(rowsAt(atA, 'edgegrad/a/state').at(-1)).toBe(100));
  const feeding = setInterval(() => run.send(1), 2);
  onTestFinished(() => clearInterval(feeding));
  await run.reload(
    `[mqtt]\nurl = "${b.url}"\nclientId = "desk"\ntopic = "lab"\nintervalS = 0\n`,
    /configuration changed: mqtt\.url, mqtt\.clientId, mqtt\.topic/,
  );
  await new Promise((resolve) => setTimeout(resolve, 100));
  clearInterval(feeding);
  run.send(1);
  await until(() => expect(run.said()).toContain(`broker ${b.url} is there`));
  expect(atA.last('edgegrad/availability/bench')).toBe('offline');
  expect(atA.last('homeassistant/device/bench_a/config')).toBe('');
  await until(() => expect(atB.last('lab/availability/desk')).toBe('online'));
  await until(() => expect(atB.last('homeassistant/device/desk_a/config')).toMatch(/lab\/a\/state/));
  let rows: number[] = [];
  await until(() => {
    rows = [
      ...rowsAt(atA, 'edgegrad/a/state'),
      ...rowsAt(atB, 'edgegrad/a/state'), // waited when the topic changed
      ...rowsAt(atB, 'lab/a/state'),
    ];
    expect(rows.at(-1)).toBeGreaterThan(120);
  });
  const last = rows.at(-1)!;
  const distinct = [...new Set(rows)].sort((x, y) => x - y);
  expect(distinct).toEqual(Array.from({ length: last - distinct[0] + 1 }, (_, i) => distinct[0] + i));
  // It takes commands there.
  await atB.client.publishAsync('lab/a/set/learning', 'OFF', { qos: 1 });
  await until(() => expect(atB.last('lab/a/learning')).toBe('OFF'));
  await run.reload('', /configuration changed: mqtt\.url/);
  await until(() => expect(atB.last('lab/availability/desk')).toBe('offline'));
  await run.stop();
});

test('a broker that is not there, or does not let it in: refused with the reason, and the old one is told on', async (context) => {
  needTool(context, 'mosquitto');
  const broker = await Broker.start();
  const closed = await Broker.start('allow_anonymous false\n');
  const listener = await Listener.to(broker.url);
  const run = await learning(`[mqtt]\nurl = "${broker.url}"\nclientId = "bench"\nintervalS = 0\n`);
  await until(() => expect(listener.last('edgegrad/availability/bench')).toBe('online'));
  for (const [url, reason] of [
    [`mqtt://127.0.0.1:${await freePort()}`, 'ECONNREFUSED'],
    [closed.url, 'Not authorized'],
  ]) {
    await run.reload(
      `[mqtt]\nurl = "${url}"\nclientId = "bench"\nintervalS = 0\n`,
      new RegExp(`\\[mqtt\\] kept as it was: MQTT_BROKER: mqtt\\.url ${url}: found .*${reason}`),
    );
    await until(() => expect(listener.last('edgegrad/availability/bench')).toBe('online'));
    const { length } = listener.of('edgegrad/a/state');
    run.send(10);
    await until(() => expect(listener.of('edgegrad/a/state').length).toBeGreaterThanOrEqual(length + 10));
  }
  await run.reload(
    `[mqtt]\nurl = "${broker.url}"\npasswordFile = "none"\nusername = "x"\nclientId = "bench"\nintervalS = 0\n`,
    /\[mqtt\] kept as it was: CONFIG_SECRET: mqtt\.passwordFile/,
  );
  expect(run.said()).not.toMatch(/is away/);
  await run.stop();
});

test('a stop while another broker is tried is a stop', async (context) => {
  needTool(context, 'mosquitto');
  const broker = await Broker.start();
  const silent = await takenPort(); // takes connections and says nothing
  const run = await learning(`[mqtt]\nurl = "${broker.url}"\n`);
  await run.hears(/is there/);
  configure(run.folder, 'a.toml', LINE_CONFIG('a', `[mqtt]\nurl = "mqtt://127.0.0.1:${silent.port}"\n`));
  run.child.kill('SIGHUP');
  await new Promise((resolve) => setTimeout(resolve, 500));
  await run.stop();
  // The other broker was given up, not waited for until it was refused.
  expect(run.said()).toMatch(/\[mqtt\] kept as it was: .*: found the end has come/);
});

test('lines on standard output are switched on and off', async () => {
  const run = await learning('');
  await run.reload('[output]\nndjson = true\n', /configuration changed: output\.ndjson/);
  await run.reload('', /configuration changed: output\.ndjson/);
  await run.stop();
});

test('from a log that is played to a port: it learns on, and does not end with the log', async (context) => {
  const pty = await needPty(context);
  const folder = folderOfTest();
  writeFileSync(join(folder, 'log.csv'), lineRows(0, 2000));
  const write = (source: string) => configure(folder, 'a.toml', LINE_CONFIG('a', `[source]\n${source}\n`));
  const run = runDaemon(folder, [write('log = "log.csv"\nperiodS = 0.02\ndevice = "text"')]);
  await run.hears(/rows are CSV/);
  write(`port = "${pty.path}"`);
  run.child.kill('SIGHUP');
  await run.hears(/configuration changed: .*source\.port/);
  await run.hears(/is back/);
  pty.write(lineRows(0, 500));
  await new Promise((resolve) => setTimeout(resolve, 6000)); // longer than an end of the log would be waited for
  expect(run.child.exitCode).toBe(null);
  write('port = "-"');
  run.child.kill('SIGHUP');
  await run.hears(/configuration kept as it was: CONFIG_SOURCE: .*source\.port: found standard input, while/);
  run.child.kill('SIGTERM');
  expect(await run.closed).toBe(0);
  expect(Number(/(\d+) rows in all/.exec(run.said())?.[1])).toBeGreaterThan(500);
});

test('limits of the recording hold at once, its directory from the next start on', async () => {
  const run = await learning('[record]\ndirectory = "recordings"\nflushS = 100\n');
  const recorded = () =>
    readdirSync(join(run.folder, 'recordings')).reduce(
      (sum, file) => sum + statSync(join(run.folder, 'recordings', file)).size,
      0,
    );
  expect(existsSync(join(run.folder, 'recordings'))).toBe(false); // it waits in memory
  await run.reload('[record]\ndirectory = "recordings"\nflushS = 0.1\n', /configuration changed: record\.flushS/);
  await until(() => expect(recorded()).toBeGreaterThan(500));
  await run.reload(
    '[record]\ndirectory = "others"\nflushS = 0.1\n',
    /configuration changed from the next start on: record\.directory/,
  );
  await run.stop();
  expect(existsSync(join(run.folder, 'others'))).toBe(false);
});
