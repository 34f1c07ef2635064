import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, type TestContext, test, vi } from 'vitest';
import type { StatusMessage } from '../../src/daemon/http/messages.js';
import { needBrowser } from '../support/browser.js';
import { LINE_CONFIG, type LiveDaemon, lineLog, startDaemon } from '../support/live-daemon.js';

// The page in a real Chromium, fed by a real process that learns 100 rows a second from a pseudo-terminal.
// SCREENSHOTS=folder keeps pictures of it.

const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };

/** Opens the page, and collects what must not happen: complaints of the browser, and requests to anybody else. */
async function open(context: TestContext, daemon: LiveDaemon, viewport = DESKTOP) {
  const browser = await needBrowser(context);
  const page = await browser.newPage({ viewport });
  const complaints: string[] = [];
  page.on('console', (message) => {
    // It warns of being looked at by this test.
    if (!message.text().includes('getImageData')) complaints.push(`${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => {
    if (!request.url().startsWith(`${daemon.url}/`)) complaints.push(`asked ${request.url()}`);
  });
  await page.goto(daemon.url);
  return { page, complaints };
}

const statusOf = async (daemon: LiveDaemon) => (await daemon.get<StatusMessage>('/api/status')).tasks[0];

/** Run in the page, whose types this program does not have: how many pixels of a canvas are drawn on, and a number that changes with any of them. */
const LOOK = `(canvas) => {
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let drawn = 0;
  let sum = 0;
  for (let i = 0; i < data.length; i += 4) {
    if (data[i + 3] > 0) drawn++;
    sum = (sum * 31 + data[i] + 7 * data[i + 3]) % 1000003;
  }
  return { drawn, sum };
}`;

const canvasOf = (page: Page, chart: number) =>
  page.evaluate<{ drawn: number; sum: number }>(`(${LOOK})(document.querySelectorAll('canvas')[${chart}])`);

const background = (page: Page) => page.evaluate<string>('getComputedStyle(document.body).backgroundColor');

const picture = async (page: Page, name: string) => {
  const folder = process.env.SCREENSHOTS;
  if (folder === undefined) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
};

test('page: charts move at 100 rows a second, and every control works', async (context) => {
  const config = LINE_CONFIG.replace('window = 50', 'window = 50, labelWait = 1000');
  const daemon = await startDaemon(context, { config });
  const { page, complaints } = await open(context, daemon);
  const device = daemon.play(lineLog(6000), 0.01);
  await page.locator('canvas').first().waitFor();
  await vi.waitFor(async () => expect((await statusOf(daemon)).report.scored).toBeGreaterThan(50), { timeout: 20_000 });

  // Every chart that is seen moves, and has more on it than its axes.
  const charts = await page.locator('canvas').count();
  expect(charts).toBeGreaterThanOrEqual(2); // prediction, error; columns once they are scrolled to
  const before = await Promise.all(Array.from({ length: charts }, (_, i) => canvasOf(page, i)));
  const predicted = page.locator('.predictions .legend output').nth(1);
  const texts = new Set<string | null>();
  for (let i = 0; i < 10; i++) {
    texts.add(await predicted.textContent());
    await page.waitForTimeout(100);
  }
  const after = await Promise.all(Array.from({ length: charts }, (_, i) => canvasOf(page, i)));
  for (const [i, { drawn, sum }] of after.entries()) {
    expect(drawn).toBeGreaterThan(300);
    expect(sum).not.toBe(before[i].sum);
  }
  expect(texts.size).toBeGreaterThan(4);
  for (const text of texts) expect(text).toMatch(/^−?[\d.]+ V$/);
  expect(await page.locator('.tile').nth(2).textContent()).toMatch(/^rows\d+[\d.]+ a second$/);
  await picture(page, 'desktop');

  // The rows of the columns.
  await page.locator('.smalls').scrollIntoViewIfNeeded();
  await vi.waitFor(async () => expect(await page.locator('.smalls canvas').count()).toBe(3));
  await page.evaluate('scrollTo(0, 0)');

  // Learning.
  await page.getByRole('button', { name: 'Pause learning' }).click();
  await page.getByText('paused: it predicts, but does not learn').waitFor();
  const { learned, predicted: predictions } = (await statusOf(daemon)).report;
  await vi.waitFor(async () => expect((await statusOf(daemon)).report.predicted).toBeGreaterThan(predictions + 20));
  expect((await statusOf(daemon)).report.learned).toBe(learned);
  await page.getByText('paused', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Go on learning' }).click();
  await page.getByText('learning goes on').first().waitFor();
  await vi.waitFor(async () => expect((await statusOf(daemon)).report.learned).toBeGreaterThan(learned));

  // Saving.
  await page.getByRole('button', { name: 'Save now' }).click();
  await page.getByText('saved edgegrad-state/line.safetensors').first().waitFor();
  expect(existsSync(join(daemon.folder, 'edgegrad-state/line.safetensors'))).toBe(true);

  // A label: of rows that have had theirs none is taken, and the page says why.
  device.stop();
  const silent = daemon.play('x,y,z\n1,,2\n2,,2\n3,,2\n', 0.01);
  await silent.finished;
  await vi.waitFor(async () => expect((await statusOf(daemon)).report.missingLabels).toBeGreaterThanOrEqual(3));
  const { place, report } = await statusOf(daemon);
  const { labels } = report;
  const row = page.getByLabel('row', { exact: true });
  await vi.waitFor(async () => expect(await row.inputValue()).toBe(String(place)));
  await page.getByLabel('y, V').fill('10');
  await page.keyboard.press('Enter'); // by keyboard
  await page.getByText(/label of row [\d\s]+ taken/).waitFor();
  const labelled = (await statusOf(daemon)).report;
  expect([labelled.labels, labelled.unusedLabels]).toEqual([labels + 1, 0]);
  await page.getByLabel('y, V').fill('10');
  await page.getByRole('button', { name: 'Label' }).click();
  await page.getByText('that row is not waited for').waitFor();

  // The events are there, the latest first, and the plan.
  expect(await page.locator('.events li').first().textContent()).toMatch(/saved|learning goes on/);
  await page.getByText('Plan of the network').click();
  expect(await page.locator('pre').textContent()).toContain('layers.0.weight');
  expect(complaints.filter((complaint) => !complaint.includes('409'))).toEqual([]);
});

test('page: it says when the process is away, and goes on by itself when it is back', async (context) => {
  const daemon = await startDaemon(context);
  daemon.play(lineLog(4000), 0.01);
  const { page } = await open(context, daemon, PHONE);
  await page.locator('canvas').first().waitFor();
  // Nothing is wider than the screen of a phone.
  const width = () => page.evaluate<number>('document.documentElement.scrollWidth');
  expect(await width()).toBe(PHONE.width);
  await vi.waitFor(async () => expect((await statusOf(daemon)).report.scored).toBeGreaterThan(100), {
    timeout: 20_000,
  });
  await page.waitForTimeout(300);
  await picture(page, 'phone');

  process.kill(daemon.pid, 'SIGSTOP'); // it says nothing any more, though its connections stand
  await page.getByText(/Away since \d\d:\d\d:\d\d: the process does not answer/).waitFor({ timeout: 20_000 });
  expect(await page.locator('#live').textContent()).toBe('away');
  process.kill(daemon.pid, 'SIGCONT');
  await vi.waitFor(async () => expect(await page.locator('#live').textContent()).toBe('live'), { timeout: 20_000 });
  expect(await page.getByText(/Away since/).isVisible()).toBe(false);
  await page.locator('canvas').first().waitFor(); // charts are made anew, those that are in sight
  const before = await canvasOf(page, 0);
  await page.waitForTimeout(500);
  expect((await canvasOf(page, 0)).sum).not.toBe(before.sum);
});

test('page: with a token it asks for it once, and keeps it where no script reads it', async (context) => {
  const token = '0123456789abcdef-secret';
  const daemon = await startDaemon(context, { http: `token = "${token}"` });
  daemon.play(lineLog(4000), 0.01);
  const { page } = await open(context, daemon);
  const field = page.getByLabel('Token of this machine');
  await field.fill('not the token at all');
  await page.keyboard.press('Enter');
  await page.getByText('not the token', { exact: true }).waitFor();
  await field.fill(token);
  await page.keyboard.press('Enter');
  await page.locator('canvas').first().waitFor();
  await page.reload();
  await page.locator('canvas').first().waitFor();
  expect(await page.evaluate('document.cookie + JSON.stringify({ ...localStorage, ...sessionStorage })')).toBe('{}');
});

test('page: classes, in the dark, with a chart of their probabilities', async (context) => {
  const config = `name = "state"
columns = [{ name = "x" }, { name = "y", kind = "class", classes = 3 }]
task = { kind = "classify", features = ["x"], targets = ["y"], warmup = 20, window = 50 }
`;
  const daemon = await startDaemon(context, { config });
  const log = `x,y\n${Array.from({ length: 4000 }, (_, i) => `${Math.floor(i / 40) % 3},${Math.floor(i / 40) % 3}\n`).join('')}`;
  daemon.play(log, 0.01);
  const browser = await needBrowser(context);
  const page = await browser.newPage({ viewport: DESKTOP, colorScheme: 'dark' });
  await page.goto(daemon.url);
  await page.getByText('y: probability of each class').waitFor();
  await vi.waitFor(async () => expect((await statusOf(daemon)).report.scored).toBeGreaterThan(150), {
    timeout: 20_000,
  });
  await page.waitForTimeout(300);
  const legend = page.locator('.predictions .legend');
  expect(await legend.textContent()).toMatch(/^0[\d.]+ %1[\d.]+ %2[\d.]+ %truth[012]$/);
  expect(await background(page)).toBe('rgb(14, 19, 23)');
  await picture(page, 'dark');
  await page.emulateMedia({ colorScheme: 'light' });
  await vi.waitFor(async () => expect(await background(page)).toBe('rgb(243, 245, 247)'));
});

test.for([
  ['forecast', 'targets = ["y"], horizons = [5], interval = 0.9', /^truth.* Vforecast.* V$/],
  ['anomaly', 'warmup = 50', /^score[\d.]+threshold[\d.]+$/],
] as const)('page: what a task of kind %s has to show', async ([kind, more, legend], context) => {
  const config = `name = "wave"
columns = [{ name = "y", unit = "V" }]
task = { kind = "${kind}", features = ["y"], ${more} }
`;
  const daemon = await startDaemon(context, { config });
  daemon.play(`y\n${Array.from({ length: 4000 }, (_, i) => `${10 * Math.sin(i / 20)}\n`).join('')}`, 0.01);
  const { page, complaints } = await open(context, daemon);
  await page.locator('canvas').first().waitFor();
  await vi.waitFor(async () => expect((await statusOf(daemon)).report.scored).toBeGreaterThan(100), {
    timeout: 20_000,
  });
  await vi.waitFor(async () => expect(await page.locator('.predictions .legend').textContent()).toMatch(legend));
  const before = await canvasOf(page, 0);
  await page.waitForTimeout(500);
  expect((await canvasOf(page, 0)).sum).not.toBe(before.sum);
  await picture(page, kind);
  expect(complaints).toEqual([]);
});
