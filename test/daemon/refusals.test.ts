import { expect, test } from 'vitest';
import type { HealthMessage, StatusMessage } from '../../src/daemon/http/messages.js';
import { startDaemon } from '../support/live-daemon.js';

const rows = (count: number) =>
  Array.from({ length: count }, (_, i) => `${i % 7},${3 * (i % 7) + 1},${i % 8}\n`).join('');

test('a board that is not understood is said once, with a line of it, in log, status, health and metrics, and when it is over', async (context) => {
  const daemon = await startDaemon(context);
  const { pty } = daemon;
  const sentences = Array.from({ length: 6 }, (_, i) => `The air is at ${i}3 degrees, Dave\n`).join('');
  await daemon.hears(/at 115200/);
  pty.write(Buffer.from(sentences));
  await daemon.hears(/no line is a row: 6 came, the last "The air is at 53 degrees, Dave"/);
  const health = await daemon.get<HealthMessage>('/healthz');
  expect(health.status).toBe('degraded');
  expect(health.tasks[0].notes.join()).toMatch(/6 lines are refused, none is a row.*The air is at 53 degrees/);
  const metrics = await (await fetch(`${daemon.url}/metrics`)).text();
  expect(metrics).toContain('edgegrad_refusing{task="line"} 1');
  expect(metrics).toContain('edgegrad_lines_undecided{task="line"} 6');
  const { tasks } = await daemon.get<StatusMessage>('/api/status');
  expect(tasks[0].refusals).toMatchObject({ isRefusing: true, rows: 0, undecided: 6 });
  expect(tasks[0].latestLines.at(-1)).toEqual({
    text: 'The air is at 53 degrees, Dave',
    wrong: null,
    verdict: 'undecided',
  });
  pty.write(Buffer.from(rows(40)));
  await daemon.hears(/lines are rows again; \d+ were refused in \d+ s/);
  expect((await daemon.get<HealthMessage>('/healthz')).status).toBe('ok');
  pty.write(Buffer.from('3,oops,1\n'));
  await daemon.hears(/a line is no row, with a field that is no number: "3,oops,1", where "oops" is wrong/);
  expect(await (await fetch(`${daemon.url}/metrics`)).text()).toContain(
    'edgegrad_lines_refused_total{task="line",reason="notNumeric"} 1',
  );
  const said = await daemon.stop();
  expect(said.match(/no line is a row/g)).toHaveLength(1);
  expect(said).toMatch(/refused 1 with a field that is no number, the last:\n {4}3,oops,1\n {6}\^{4}\n/);
});

test('rows that begin to be refused are said with how many, why, and the field that is wrong', async (context) => {
  const daemon = await startDaemon(context);
  daemon.pty.write(Buffer.from(rows(60)));
  await daemon.hears(/rows are CSV/);
  daemon.pty.write(Buffer.from(Array.from({ length: 12 }, (_, i) => `${i},nan?,3\n`).join('')));
  await daemon.hears(
    /5 of the last 5 lines are refused \(12 with a field that is no number\), the last "11,nan\?,3", where "nan\?" is wrong/,
  );
  expect((await daemon.get<HealthMessage>('/healthz')).status).toBe('degraded');
});

test('what was quarantined last is told with its column, its value and the limit', async (context) => {
  const daemon = await startDaemon(context);
  daemon.pty.write(Buffer.from(`${rows(20)}1,4,8.5\n`));
  await expect
    .poll(async () => (await daemon.get<StatusMessage>('/api/status')).tasks[0].lastQuarantined, { timeout: 10_000 })
    .toEqual({ column: 'z', value: 8.5, reason: 'range', limit: 8 });
});
