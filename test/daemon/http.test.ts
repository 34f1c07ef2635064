// @slow many processes, each with clients

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, request } from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';

import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { EventStream, eventOf } from '../../src/daemon/http/event-stream.js';
import type {
  BeginMessage,
  HealthMessage,
  RowsMessage,
  StatusMessage,
  TaskStatusMessage,
} from '../../src/daemon/http/messages.js';
import { readExposition } from '../support/exposition.js';
import { LINE_CONFIG, lineLog, listen, startDaemon } from '../support/live-daemon.js';

// A real process with its page on a free port, and a device on a pseudo-terminal.

const TOKEN = '0123456789abcdef-secret';

async function statusOf(get: <T>(path: string) => Promise<T>): Promise<TaskStatusMessage> {
  return (await get<StatusMessage>('/api/status')).tasks[0];
}

/** A request with headers fetch does not let one set. */
function ask(url: string, headers: Record<string, string>, path = '/api/status', body?: string) {
  return new Promise<{ status: number; text: string; cookies: string[] }>((resolve, reject) => {
    const sent = request(url + path, { headers, method: body === undefined ? 'GET' : 'POST' }, (response) => {
      let text = '';
      response.on('data', (bytes) => {
        text += bytes;
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text, cookies: response.headers['set-cookie'] ?? [] }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

test('metrics: they are well formed and say what the report says, to the last row', async (context) => {
  const daemon = await startDaemon(context);
  // z is out of range in every tenth row, and one line is none.
  daemon.play(`${lineLog(500)}1,x,3\n${lineLog(1).split('\n')[1]}\n`, 0.001);
  await vi.waitFor(async () => expect((await statusOf(daemon.get)).place).toBe(502), { timeout: 20_000 });
  await daemon.post('/api/tasks/line/save', {});
  const response = await fetch(`${daemon.url}/metrics`);
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  const samples = readExposition(await response.text());
  const status = await statusOf(daemon.get);
  const { report } = status;
  const value = (name: string, labels: Record<string, string> = {}) =>
    samples.find(
      (sample) =>
        sample.name === `edgegrad_${name}` &&
        sample.labels.task === 'line' &&
        Object.entries(labels).every(([label, text]) => sample.labels[label] === text),
    )?.value;
  expect(value('rows_total')).toBe(report.rows);
  expect(value('rows_lost_total')).toBe(2); // the first, which may have been cut off, and the line that is none
  expect(value('rows_learned_total')).toBe(report.learned);
  expect(value('rows_scored_total')).toBe(report.scored);
  expect(value('rows_quarantined_total')).toBe(50);
  expect(value('quarantine_total', { column: 'z', reason: 'range' })).toBe(50);
  expect(value('rejects_total', { format: 'text', reason: 'notNumeric' })).toBe(1);
  expect(value('received_bytes_total')).toBe(status.link.rxBytes);
  expect(value('source_opens_total')).toBe(1);
  expect(value('source_connected')).toBe(1);
  expect(value('window_error')).toBe(status.windowError.model);
  expect(value('window_baseline_error')).toBe(status.windowError.baseline);
  expect(value('step_seconds_count')).toBe(500);
  // A step takes something, and not a tenth of a second.
  const mean = (value('step_seconds_sum') ?? 0) / 500;
  expect(mean).toBeGreaterThan(1e-6);
  expect(mean).toBeLessThan(0.1);
  expect(value('checkpoints_total', { result: 'written' })).toBe(1);
  expect(value('checkpoint_bytes_total')).toBe(status.checkpoint.bytesWritten);
  expect(value('checkpoint_unsaved_steps')).toBe(0);
  const rss = samples.find(({ name }) => name === 'process_resident_memory_bytes')?.value ?? 0;
  const [, kb] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${daemon.pid}/status`, 'utf8')) ?? [];
  expect(rss / (1024 * Number(kb))).toBeCloseTo(1, 0.5);
  const said = await daemon.stop();
  expect(said).toContain(`${report.rows} rows in all`);
});

test('metrics: a task has those of its kind: an anomaly its score, threshold and alarms, others their errors', async (context) => {
  const anomaly = `name = "wave"
columns = [{ name = "y", unit = "V" }]
task = { kind = "anomaly", features = ["y"], warmup = 50 }
drift = [{ on = "y", detector = "adwin" }]
`;
  const daemon = await startDaemon(context, { config: [anomaly, LINE_CONFIG] });
  // Ends with a row nobody would have expected.
  const rows = Array.from({ length: 1200 }, (_, i) => 10 * Math.sin(i / 20) + ((i * 37) % 11) / 50);
  daemon.play(`y\n${[...rows, 1000].map((y) => `${y}\n`).join('')}`, 0.001);
  daemon.play(lineLog(500), 0.001, 1);
  await vi.waitFor(
    async () => {
      const { tasks } = await daemon.get<StatusMessage>('/api/status');
      expect(tasks.map(({ place }) => place)).toEqual([1201, 500]);
    },
    { timeout: 20_000 },
  );
  const samples = readExposition(await (await fetch(`${daemon.url}/metrics`)).text());
  const [{ report }] = (await daemon.get<StatusMessage>('/api/status')).tasks;
  if (report.kind !== 'anomaly') throw new Error(report.kind);
  const of = (task: string, name: RegExp) =>
    Object.fromEntries(
      samples
        .filter((sample) => sample.labels.task === task && name.test(sample.name))
        .map((sample) => [sample.name.slice('edgegrad_'.length), sample.value]),
    );
  const ofKind = /^edgegrad_(\w*error|anomaly_\w+|in_alarm|alarms_total)$/;
  expect(of('wave', ofKind)).toEqual({
    anomaly_score: report.metrics.score,
    anomaly_threshold: report.metrics.threshold,
    in_alarm: 1,
    alarms_total: report.metrics.alarms,
  });
  expect(report.metrics.score).toBeGreaterThan(report.metrics.threshold ?? Infinity);
  expect(Object.keys(of('line', ofKind))).toEqual(['window_error', 'window_baseline_error', 'error', 'baseline_error']);
  const infos = samples.filter(({ name }) => name === 'edgegrad_task_info').map(({ labels }) => labels);
  expect(infos).toEqual([
    { task: 'wave', kind: 'anomaly', unit: '' },
    { task: 'line', kind: 'regress', unit: 'V' },
  ]);
  if (report.learner.kind !== 'race') throw new Error(report.learner.kind);
  const learners = (name: string) =>
    samples
      .filter((sample) => sample.name === name && sample.labels.task === 'wave')
      .map(({ labels, value }) => [labels.learner, value]);
  const { experts } = report.learner;
  expect(learners('edgegrad_learner_weight_ratio')).toEqual(experts.map((e, k) => [`${e.kind} ${k}`, e.weight]));
  expect(learners('edgegrad_learner_rate')).toEqual(
    experts.slice(0, -1).map((e, k) => [`${e.kind} ${k}`, e.rate]), // the last is naive and has none
  );
  expect(samples.filter(({ name }) => name === 'edgegrad_drift_detections_total').map(({ labels }) => labels)).toEqual([
    { task: 'wave', on: 'y', detector: 'adwin' },
  ]);
});

test('metrics: docs/http.md has every one there is, with its help, and no other', async () => {
  const { TASK_METRICS } = await import('../../src/daemon/http/metrics-table.js');
  const page = readFileSync(join(import.meta.dirname, '../../docs/http.md'), 'utf8');
  const rows = [...page.matchAll(/^\| `(\w+)(?:\{([\w,]+)\})?` \| (\w+) \| (.*) \|$/gm)].map(([, ...cells]) => cells);
  const expected = TASK_METRICS.map(({ name, type, help, labels }) => [name, labels?.join(','), type, help]);
  expect(rows).toEqual(expected);
});

test('health: 200 while it works or waits, 503 with the reason once it cannot save', async (context) => {
  const daemon = await startDaemon(context);
  daemon.play(lineLog(200), 0.001);
  await vi.waitFor(async () => expect((await statusOf(daemon.get)).report.rows).toBe(199), { timeout: 20_000 });
  const health = await fetch(`${daemon.url}/healthz`);
  expect([health.status, await health.json()]).toEqual([
    200,
    { status: 'ok', tasks: [{ name: 'line', problems: [], notes: [] }] },
  ]);

  // The directory of the checkpoints becomes a file: nothing can be written.
  rmSync(join(daemon.folder, 'edgegrad-state'), { recursive: true });
  writeFileSync(join(daemon.folder, 'edgegrad-state'), '');
  const saved = await daemon.post('/api/tasks/line/save', {});
  expect([saved.status, saved.body.error]).toEqual([500, expect.stringContaining('CHECKPOINT_WRITE')]);
  const failing = await fetch(`${daemon.url}/healthz`);
  const told = (await failing.json()) as HealthMessage;
  expect([failing.status, told.status]).toEqual([503, 'failing']);
  expect(told.tasks[0].problems.join()).toContain('CHECKPOINT_WRITE');

  // It comes back by itself with the disk.
  rmSync(join(daemon.folder, 'edgegrad-state'));
  expect((await daemon.post('/api/tasks/line/save', {})).status).toBe(200);
  expect((await fetch(`${daemon.url}/healthz`)).status).toBe(200);

  await daemon.pty.unplug();
  await vi.waitFor(async () => {
    const { status, tasks } = await daemon.get<HealthMessage>('/healthz');
    expect([status, tasks[0].notes]).toEqual(['degraded', [expect.stringMatching(/^waits for .* at 115200/)]]);
  });
});

test('controls: learning pauses and goes on, a checkpoint is kept, a label is learned from', async (context) => {
  const config = LINE_CONFIG.replace('window = 50', 'window = 50, labelWait = 100').replace('"y", unit', '"y", unit');
  const daemon = await startDaemon(context, { config });
  const log = lineLog(100)
    .replaceAll(/^([^,]*),[^,]*,/gm, '$1,,')
    .replace('x,,z', 'x,y,z');
  daemon.play(log, 0.001);
  await vi.waitFor(async () => expect((await statusOf(daemon.get)).report.rows).toBe(99), { timeout: 20_000 });
  expect((await statusOf(daemon.get)).report.learned).toBe(0);

  const { status, body } = await daemon.post('/api/tasks/line/label', { values: [4], place: 98 });
  expect([status, body.outcome]).toEqual([200, expect.arrayContaining(['learned'])]);
  expect((await statusOf(daemon.get)).report.learned).toBe(1);
  const answers = [
    [{ values: [4], place: 98 }, 409, /not waited for/], // it has its label
    [{ values: [4], place: 1000 }, 409, /not waited for/],
    [{ values: [4, 5], age: 0 }, 400, /expected those of y/],
    [{ values: [4] }, 400, /either "age"/],
    [{ values: ['4'], age: 0 }, 400, /body.values\[0\]/],
    [{ values: [4], age: -1 }, 400, /body.age/],
    [{ values: [4], age: 0, and: 1 }, 400, /unknown key "and"/],
  ] as const;
  for (const [sent, expected, error] of answers) {
    const answer = await daemon.post('/api/tasks/line/label', sent);
    expect([answer.status, answer.body.error]).toEqual([expected, expect.stringMatching(error)]);
  }

  expect(await daemon.post('/api/tasks/line/learning', { on: false })).toEqual({
    status: 200,
    body: { isLearning: false },
  });
  await daemon.hears(/learning is paused/);
  await daemon.post('/api/tasks/line/label', { values: [4], age: 0 });
  expect((await statusOf(daemon.get)).report.learned).toBe(1);
  await daemon.post('/api/tasks/line/learning', { on: true });
  await daemon.post('/api/tasks/line/label', { values: [4], age: 1 });
  expect((await statusOf(daemon.get)).report.learned).toBe(2);

  const file = join(daemon.folder, 'edgegrad-state/line.safetensors');
  expect(existsSync(file)).toBe(false);
  const saved = await daemon.post('/api/tasks/line/save', {});
  expect([saved.status, saved.body.file]).toEqual([200, 'edgegrad-state/line.safetensors']);
  expect(existsSync(file)).toBe(true);
  expect((await daemon.post('/api/tasks/other/save', {})).status).toBe(404);
});

test('events: rows come thinned out, at most twenty messages a second, each truth with its row', async (context) => {
  const daemon = await startDaemon(context);
  const log = lineLog(3000);
  const truthOf = (place: number) => Number(log.split('\n')[place].split(',')[1]);
  const { messages, end } = await listen(daemon.url);
  daemon.play(log, 0.001); // a thousand a second
  await vi.waitFor(async () => expect((await statusOf(daemon.get)).report.rows).toBe(2999), { timeout: 20_000 });
  await vi.waitFor(() => expect(messages.some(({ name }) => name === 'status')).toBe(true));
  end();
  expect(messages[0].name).toBe('begin');
  const [task] = (messages[0].data as BeginMessage).tasks;
  expect(task.columns.map(({ name }) => name)).toEqual(['x', 'y', 'z']);
  expect(task.plan).toContain('layers.0.weight');

  const rows = messages.filter(({ name }) => name === 'rows');
  const seconds = (rows.at(-1)!.atMs - rows[0].atMs) / 1000;
  expect(rows.length / seconds).toBeLessThan(21);
  expect(rows.length / seconds).toBeGreaterThan(5);
  let last = 0;
  let truths = 0;
  for (const { data } of rows) {
    const message = data as RowsMessage;
    expect(message.rows.length).toBeLessThanOrEqual(32);
    for (const [place, x, y, z] of message.rows as number[][]) {
      expect(place).toBeGreaterThan(last);
      last = place;
      expect([x, y]).toEqual(log.split('\n')[place].split(',').map(Number).slice(0, 2));
      expect(z).toBe((place - 1) % 10);
    }
    for (const [place, truth] of message.scored as number[][]) {
      expect(truth).toBeCloseTo(truthOf(place), 5);
      truths++;
    }
  }
  expect(truths).toBeGreaterThan(100);
  // Whoever comes later is told of the time before.
  const later = await listen(daemon.url);
  await vi.waitFor(() => expect(later.messages.length).toBeGreaterThan(0));
  const [{ past, errors }] = (later.messages[0].data as BeginMessage).tasks;
  expect(past.length).toBeGreaterThanOrEqual(2);
  expect(errors.length).toBeGreaterThanOrEqual(2);
  for (const { row } of past) expect(row[2]).toBeCloseTo(truthOf(row[0]!), 5);
});

test('events: a forecast is told with its interval when the row it was of has come', async (context) => {
  const config = `name = "wave"
columns = [{ name = "y", unit = "V" }]
task = { kind = "forecast", features = ["y"], targets = ["y"], horizons = [5], warmup = 50, window = 50, interval = 0.9 }
`;
  const valueAt = (place: number) => Number((10 * Math.sin(place / 20)).toFixed(3));
  const daemon = await startDaemon(context, { config });
  const { messages, end } = await listen(daemon.url);
  daemon.play(`y\n${Array.from({ length: 1500 }, (_, i) => `${valueAt(i + 1)}\n`).join('')}`, 0.002);
  await vi.waitFor(async () => expect((await statusOf(daemon.get)).place).toBe(1500), { timeout: 20_000 });
  end();
  const [task] = (messages[0].data as BeginMessage).tasks;
  expect(task).toMatchObject({ isForecast: true, hasIntervals: true, outputs: [{ name: 'y+5', unit: 'V' }] });
  const scored = messages.filter(({ name }) => name === 'rows').flatMap(({ data }) => (data as RowsMessage).scored);
  let inside = 0;
  for (const [place, truth, , , lower, upper] of scored as number[][]) {
    expect(truth).toBeCloseTo(valueAt(place), 3);
    if (lower <= truth && truth <= upper) inside++;
  }
  expect(scored.length).toBeGreaterThan(300);
  expect(inside / scored.length).toBeGreaterThan(0.7);
});

test('a page that takes nothing loses rows, then its connection; others go on, and nothing piles up', async () => {
  const counts: number[] = [];
  const stream = new EventStream((count) => counts.push(count));
  const server = createHttpServer((_, response) => stream.add(response, {}, eventOf('begin', {})));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const slow = connect(port, '127.0.0.1');
  onTestFinished(() => void slow.destroy());
  slow.on('error', () => {});
  slow.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  slow.pause();
  const quick = await fetch(`http://127.0.0.1:${port}/`);
  let received = 0;
  void (async () => {
    for await (const bytes of quick.body!) received += bytes.length;
  })().catch(() => {});
  await vi.waitFor(() => expect(stream.count).toBe(2));
  const message = eventOf('rows', 'x'.repeat(50_000));
  let sent = 0;
  // Rows alone are left out for it, without end.
  for (let i = 0; i < 400; i++, sent++) {
    stream.send(message, true);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  expect([stream.count, stream.dropped]).toEqual([2, 0]);
  for (let i = 0; i < 400 && stream.dropped === 0; i++, sent++) {
    stream.send(message, false);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await vi.waitFor(() => expect([stream.count, stream.dropped]).toEqual([1, 1]));
  await vi.waitFor(() => expect(received).toBeGreaterThan(0.9 * sent * message.length));
  expect(counts).toEqual([1, 2, 1]);
});

test('token: needed for all but whether it works, by header or cookie, and never told', async (context) => {
  const daemon = await startDaemon(context, { http: `token = "${TOKEN}"\n[record]\ndirectory = "recorded"\n` });
  const { url } = daemon;
  for (const path of ['/metrics', '/api/status', '/api/events', '/api/nothing']) {
    expect((await fetch(url + path)).status).toBe(401);
    expect((await ask(url, { authorization: 'Bearer wrong' }, path)).status).toBe(401);
  }
  for (const action of ['learning', 'save', 'label']) {
    expect((await daemon.post(`/api/tasks/line/${action}`, { on: false })).status).toBe(401);
  }
  expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ status: expect.stringMatching(/ok|degraded/) });
  for (const path of ['/', '/page.js', '/page.css', '/icon.svg']) expect((await fetch(url + path)).status).toBe(200);

  const bearer = { authorization: `Bearer ${TOKEN}` };
  expect((await ask(url, bearer)).status).toBe(200);
  expect((await ask(url, bearer, '/metrics')).text).toMatch(/^edgegrad_http_refused_requests_total [1-9]/m);
  expect(JSON.parse((await ask(url, bearer, '/healthz')).text).tasks).toHaveLength(1);

  expect((await daemon.post('/api/login', { token: 'wrong' })).status).toBe(401);
  const json = { 'content-type': 'application/json' };
  const login = await ask(url, json, '/api/login', JSON.stringify({ token: TOKEN }));
  expect(login.status).toBe(200);
  const [cookie] = login.cookies;
  expect(cookie).toMatch(/^edgegrad-\d+=[\w-]{43}; Max-Age=2592000; Path=\/; HttpOnly; SameSite=Strict$/);
  expect(cookie).not.toContain(TOKEN);
  expect((await ask(url, { cookie: cookie.split(';')[0] })).status).toBe(200);
  expect((await ask(url, { cookie: `${cookie.split('=')[0]}=${TOKEN}` })).status).toBe(401);
  // From any name: whoever has the token is not a foreign page.
  expect((await ask(url, { ...bearer, host: 'edge.example' })).status).toBe(200);

  const said = await daemon.stop();
  expect(said).toMatch(/http: \d+ requests without the token/);
  expect(said).not.toContain(TOKEN);
  const recorded = readdirSync(join(daemon.folder, 'recorded')).map((file) =>
    readFileSync(join(daemon.folder, 'recorded', file)),
  );
  expect(recorded.length).toBeGreaterThan(0);
  for (const bytes of recorded) {
    expect(bytes.includes(TOKEN)).toBe(false);
    expect(bytes.includes('token = \\"(hidden)\\"')).toBe(true); // the configuration is there, without it
  }
});

test('foreign pages: neither a name pointed here nor a form or script of theirs gets in', async (context) => {
  const daemon = await startDaemon(context, { http: 'names = ["Edge.example"]' });
  const { url } = daemon;
  const { host } = new URL(url);
  expect((await ask(url, { host: 'evil.example' })).status).toBe(421);
  expect((await ask(url, { host: 'evil.example:80' }, '/metrics')).status).toBe(421);
  expect((await ask(url, { host: '127.0.0.1.evil.example' })).status).toBe(421);
  for (const name of ['localhost', 'localhost:1', '127.0.0.1', '[::1]:80', 'edge.example', 'EDGE.example:443']) {
    expect((await ask(url, { host: name })).status).toBe(200);
  }
  const pause = (headers: Record<string, string>) => ask(url, headers, '/api/tasks/line/learning', '{"on":false}');
  const json = { 'content-type': 'application/json', host };
  expect((await pause({ ...json, origin: 'http://evil.example' })).status).toBe(403);
  expect((await pause({ ...json, origin: 'null' })).status).toBe(403);
  expect((await pause({ ...json, origin: `http://${host.replace(/\d+$/, '1')}` })).status).toBe(403);
  expect((await pause({ ...json, 'sec-fetch-site': 'cross-site' })).status).toBe(403);
  expect((await pause({ ...json, 'sec-fetch-site': 'same-site' })).status).toBe(403);
  expect((await pause({ host, 'content-type': 'text/plain' })).status).toBe(415);
  expect((await pause({ host, 'content-type': 'application/x-www-form-urlencoded' })).status).toBe(415);
  expect((await statusOf(daemon.get)).isLearning).toBe(true);
  expect((await pause({ ...json, origin: `http://${host}`, 'sec-fetch-site': 'same-origin' })).status).toBe(200);
  // A page of ours behind a proxy that speaks TLS.
  const proxied = { 'content-type': 'application/json', host: 'edge.example', origin: 'https://edge.example' };
  expect((await pause(proxied)).status).toBe(200);
  const page = await fetch(url);
  expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self'/);
  expect(page.headers.get('access-control-allow-origin')).toBeNull();
  expect(page.headers.get('x-frame-options')).toBe('DENY');
});

test('limits: bodies, headers, connections, pages', async (context) => {
  const daemon = await startDaemon(context);
  const { url } = daemon;
  const json = { 'content-type': 'application/json' };
  const path = '/api/tasks/line/label';
  expect((await ask(url, json, path, JSON.stringify({ values: Array(20_000).fill(0) }))).status).toBe(413);
  expect((await ask(url, { long: 'x'.repeat(9000) })).status).toBe(431);

  const pages = await Promise.all(Array.from({ length: 16 }, () => listen(url)));
  expect((await fetch(`${url}/api/events`)).status).toBe(503);
  expect(readExposition(await (await fetch(`${url}/metrics`)).text())).toContainEqual({
    name: 'edgegrad_http_pages',
    labels: {},
    value: 16,
  });
  for (const { end } of pages) end();
  await vi.waitFor(async () => expect((await fetch(`${url}/metrics`)).text()).resolves.toContain('http_pages 0'));

  const port = Number(new URL(url).port);
  const sockets = Array.from({ length: 80 }, () => connect(port, '127.0.0.1'));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  let closed = 0;
  for (const socket of sockets) {
    socket.on('close', () => closed++);
    socket.on('error', () => {});
  }
  await vi.waitFor(() => expect(closed).toBeGreaterThanOrEqual(80 - 64), { timeout: 5000 });
  for (const socket of sockets) socket.destroy();
  // And it goes on.
  await vi.waitFor(async () => expect((await fetch(`${url}/healthz`)).status).toBe(200), { timeout: 5000 });
});

test('a port that is taken stops nothing: it is said once, and had as soon as it is free', {
  timeout: 60_000,
}, async (context) => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void taken.close());
  const { port } = taken.address() as { port: number };
  const daemon = await startDaemon(context, { http: '', config: LINE_CONFIG, port });
  expect(daemon.said()).toContain(`http: 127.0.0.1:${port}: found a port that is taken by another process`);
  daemon.play(lineLog(100), 0.001);
  await new Promise<void>((resolve) => taken.close(() => resolve()));
  await daemon.hears(new RegExp(`page at http://127.0.0.1:${port}/`));
  expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
  const said = await daemon.stop();
  expect(said.match(/is taken/g)).toHaveLength(1);
  expect(said).toContain('99 rows in all'); // the first one may have been cut off
});

test.for([
  ['host = "0.0.0.0"', 'http.host: found "0.0.0.0", which other machines reach, without a token'],
  ['token = "short"', 'http.token: found 5 characters, expected at least 16'],
  ['tokenFile = "absent"', 'expected a file with the secret in it'],
  [`token = "${TOKEN}"\ntokenFile = "t"`, 'http: found both "token" and "tokenFile"'],
  ['port = 70000', 'http.port: found 70000, expected a whole number from 0 to 65535'],
])('a wrong configuration is refused in one line, without its secret: %s', ([http, expected]) => {
  const folder = mkdtempSync(join(tmpdir(), 'edgegrad-http-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const port = http.startsWith('port') ? '' : 'port = 0\n';
  writeFileSync(join(folder, 'live.toml'), `${LINE_CONFIG}[source]\nport = "-"\n[http]\n${port}${http}\n`);
  const cli = join(import.meta.dirname, '../../dist/cli.js');
  const { status, stderr } = spawnSync(process.execPath, [cli, 'run', 'live.toml'], {
    cwd: folder,
    encoding: 'utf8',
    input: '',
  });
  expect([status, stderr]).toEqual([2, expect.stringContaining(expected)]);
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(stderr).not.toContain(TOKEN);
});
