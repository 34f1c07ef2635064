// @slow a browser looks at the page of a process that runs

import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, onTestFinished, type TestContext, test, vi } from 'vitest';
import type { StatusMessage } from '../../src/daemon/http/messages.js';
import { freePort } from '../support/broker.js';
import { needBrowser } from '../support/browser.js';
import { LINE_CONFIG, type LiveDaemon, lineLog, startDaemon } from '../support/live-daemon.js';
import { movedClock } from '../support/moved-clock.js';

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

const statusOf = async (daemon: LiveDaemon, task = 0) => (await daemon.get<StatusMessage>('/api/status')).tasks[task];

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

/** Run in the page: what sticks out of the screen, or of what it stands in. */
const TOO_WIDE = `() => [...document.querySelectorAll('body *')].flatMap((element) => {
  const { display, overflowX } = getComputedStyle(element);
  const { right, width } = element.getBoundingClientRect();
  if (width === 0 || element.closest('nav, pre, .uplot, .unseen')) return [];
  const isOut = right > document.documentElement.clientWidth + 1;
  const isFull = display !== 'inline' && overflowX === 'visible' && element.scrollWidth > element.clientWidth + 1;
  return isOut || isFull ? [element.tagName + '.' + element.className + ': ' + element.textContent.slice(0, 40)] : [];
})`;

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
  const predicted = page.locator('.predictions .legend b').nth(1);
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

const WAVES = `y\n${Array.from({ length: 6000 }, (_, i) => `${(10 * Math.sin(i / 20)).toFixed(4)}\n`).join('')}`;
const STATES_CONFIG = `name = "state"
columns = [{ name = "x" }, { name = "y", kind = "class", classes = 3 }]
task = { kind = "classify", features = ["x"], targets = ["y"], warmup = 20, window = 50, labelWait = 1000 }
`;
const STATES = `x,y\n${Array.from({ length: 6000 }, (_, i) => `${Math.floor(i / 40) % 3},${Math.floor(i / 40) % 3}\n`).join('')}`;

test('page: of several tasks each is shown, paused, saved and labelled on its own', async (context) => {
  const wave = `name = "wave"
columns = [{ name = "y", unit = "V" }]
task = { kind = "anomaly", features = ["y"], warmup = 50 }
`;
  const line = LINE_CONFIG.replace('window = 50', 'window = 50, labelWait = 1000');
  const daemon = await startDaemon(context, { config: [line, wave, STATES_CONFIG] });
  const { page, complaints } = await open(context, daemon);
  const tabs = page.getByRole('navigation', { name: 'Tasks' }).getByRole('link');
  await vi.waitFor(async () =>
    expect(await tabs.allTextContents()).toEqual(['line', 'wave', 'state'].map((name) => `${name}, waits for rows`)),
  );
  expect(await page.getByText('no rows yet').count()).toBeGreaterThan(0);
  daemon.play(lineLog(6000), 0.01, 0);
  daemon.play(WAVES, 0.01, 1);
  daemon.play(STATES, 0.01, 2);
  const all = () => Promise.all([0, 1, 2].map((task) => statusOf(daemon, task)));
  await vi.waitFor(
    async () => {
      for (const { report } of await all()) expect(report.scored).toBeGreaterThan(50);
    },
    { timeout: 20_000 },
  );

  const showTask = async (name: string) => {
    await tabs.filter({ hasText: new RegExp(`^${name},`) }).click();
    await page.getByRole('heading', { level: 1, name, exact: true }).waitFor();
    expect(await page.locator('nav [aria-current]').allTextContents()).toEqual([expect.stringMatching(`^${name},`)]);
    expect(await page.title()).toBe(`${name} · edgegrad`);
    await page.locator('canvas').first().waitFor();
  };
  const legends = {
    line: /^truth.* Vpredicted.* V$/,
    wave: /^score[\d.]+threshold[\d.]+$/,
    state: /^0[\d.]+ %1[\d.]+ %2[\d.]+ %truth[012]$/,
  };
  for (const [name, legend] of Object.entries(legends)) {
    await showTask(name);
    await vi.waitFor(async () => expect(await page.locator('.predictions .legend').textContent()).toMatch(legend));
    expect(await page.locator('h1').count()).toBe(1);
    const before = await canvasOf(page, 0);
    expect(before.drawn).toBeGreaterThan(300);
    await vi.waitFor(async () => expect((await canvasOf(page, 0)).sum).not.toBe(before.sum));
    await picture(page, `tasks-${name}`);
  }

  // One is paused: that one stands still, the others do not; every tab says so.
  await showTask('wave');
  await page.getByRole('button', { name: 'Pause learning' }).click();
  await page.getByText('paused: it predicts, but does not learn').waitFor();
  const paused = await all();
  expect(paused.map(({ isLearning }) => isLearning)).toEqual([true, false, true]);
  await vi.waitFor(async () => {
    const now = await all();
    expect(now[1].report.learned).toBe(paused[1].report.learned);
    for (const i of [0, 1, 2]) expect(now[i].report.predicted).toBeGreaterThan(paused[i].report.predicted + 20);
    for (const i of [0, 2]) expect(now[i].report.learned).toBeGreaterThan(paused[i].report.learned + 20);
  });
  await vi.waitFor(async () =>
    expect(await tabs.allTextContents()).toEqual([
      'line, learning',
      expect.stringMatching(/paused$/),
      'state, learning',
    ]),
  );
  await showTask('line');
  expect(await page.getByRole('button', { name: 'Pause learning' }).isVisible()).toBe(true);
  expect(await page.locator('.events').textContent()).not.toContain('paused');
  await showTask('wave');
  await page.getByRole('button', { name: 'Go on learning' }).click();
  await vi.waitFor(async () => expect((await all()).every(({ isLearning }) => isLearning)).toBe(true));

  // One is saved.
  await showTask('state');
  await page.getByRole('button', { name: 'Save now' }).click();
  await page.getByText('saved edgegrad-state/state.safetensors').first().waitFor();
  expect((await all()).map(({ checkpoint }) => checkpoint.written)).toEqual([0, 0, 1]);
  expect(readdirSync(join(daemon.folder, 'edgegrad-state'))).toEqual(['state.safetensors']);

  // One is labelled, and only where labels may come: what is being filled in stays while another task is looked at.
  await page.getByLabel('y', { exact: true }).selectOption('2');
  await showTask('wave');
  expect(await page.getByRole('button', { name: 'Label' }).count()).toBe(0);
  await showTask('state');
  expect(await page.getByLabel('y', { exact: true }).inputValue()).toBe('2');
  const before = await all();
  await page.getByRole('button', { name: 'Label' }).click();
  await page.getByText('that row is not waited for').waitFor(); // its label came in its row
  const after = await all();
  expect(after.map(({ report }, i) => report.unusedLabels - before[i].report.unusedLabels)).toEqual([0, 0, 1]);

  // One goes away: the others do not.
  await daemon.ptys[0].unplug();
  await vi.waitFor(
    async () =>
      expect(await tabs.allTextContents()).toEqual([
        'line, waits for its source',
        expect.stringMatching(/^wave, (learning|alarm: y)$/),
        'state, learning',
      ]),
    { timeout: 10_000 },
  );
  const gone = await all();
  await vi.waitFor(async () => expect((await all())[2].report.rows).toBeGreaterThan(gone[2].report.rows + 20));
  await showTask('line');
  await page.getByText('waits for its source', { exact: true }).waitFor();
  await page.reload(); // the address names it
  await page.getByRole('heading', { level: 1, name: 'line' }).waitFor();
  expect(complaints.filter((complaint) => !complaint.includes('409'))).toEqual([]);
});

const LONG = 'bearing_outer_race_vibration_velocity_rms_channel';

test('page: long names and many targets fit on every screen, and a keyboard sees where it is', async (context) => {
  const names = Array.from({ length: 9 }, (_, i) => `${LONG}_${i}`);
  const quoted = (list: string[]) => list.map((name) => `"${name}"`).join(', ');
  const config = `name = "cellar-pump-of-the-house-in-the-lane-with-a-long-name"
columns = [${names.map((name) => `{ name = "${name}", unit = "mm/s" }`).join(', ')}]
task = { kind = "regress", features = [${quoted(names.slice(0, 4))}], targets = [${quoted(names.slice(4))}], labelWait = 50 }
`;
  const daemon = await startDaemon(context, { config: [config, LINE_CONFIG] });
  const sizes = [1, 1e-6, 1e6, 1234, 0.01];
  const rows = Array.from({ length: 3000 }, (_, i) =>
    names.map((_, k) => (sizes[k % 5] * Math.sin(i / (20 + k))).toPrecision(5)).join(','),
  );
  daemon.play(`${rows.join('\n')}\n`, 0.01);
  const { page, complaints } = await open(context, daemon);
  await vi.waitFor(async () => expect((await statusOf(daemon)).report.scored).toBeGreaterThan(20), { timeout: 20_000 });
  for (const viewport of [DESKTOP, { width: 800, height: 800 }, PHONE]) {
    await page.setViewportSize(viewport);
    await page.locator('canvas').first().waitFor();
    expect(await page.evaluate<string[]>(`(${TOO_WIDE})()`)).toEqual([]);
    await picture(page, `long-${viewport.width}`);
  }
  // Whatever can be reached with the keyboard has a name, and is framed when it is.
  const seen = new Set<string>();
  for (let i = 0; i < 30; i++) {
    await page.keyboard.press('Tab');
    const [name, frame] = await page.evaluate<[string, string]>(
      `(({ activeElement: e }) => [e.ariaLabel ?? e.labels?.[0]?.textContent ?? e.textContent, getComputedStyle(e).outline])(document)`,
    );
    if (await page.evaluate<boolean>('document.activeElement === document.body')) break;
    expect(name).not.toBe('');
    expect(frame).toMatch(/solid [1-9]/);
    seen.add(name);
  }
  for (const name of ['Pause learning', 'Save now', '2 min', `${LONG}_4, mm/s`, 'Label', 'Events, the latest first']) {
    expect([...seen]).toContain(name);
  }
  expect(complaints).toEqual([]);
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

test('page: a clock that is set back by hours, and forward again, moves what is drawn with it', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'edgegrad-clock-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const hour = 3.6e6;
  const config = LINE_CONFIG.replace(', range = [0, 8]', ''); // no holes
  const daemon = await startDaemon(context, { config, node: movedClock(folder, [-2 * hour, hour]) });
  daemon.play(lineLog(6000), 0.01);
  const { page, complaints } = await open(context, daemon);
  await page.locator('canvas').first().waitFor();
  /** What stands above the chart where it is pointed at, a part of its width from the left: when, and the value. */
  const at = async (part: number) => {
    const box = await page.locator('.predictions .plot .u-over').first().boundingBox();
    await page.mouse.move(box!.x + part * box!.width, box!.y + 50);
    const [time = '', truth = ''] = await page.locator('.predictions .legend > *').allTextContents();
    return { secondOfDay: time.split(':').reduce((sum, each) => 60 * sum + Number(each), 0), truth };
  };
  const secondOfDay = (timeMs: number) => {
    const time = new Date(timeMs);
    return 3600 * time.getHours() + 60 * time.getMinutes() + time.getSeconds();
  };
  /** Seconds between two times of day. */
  const between = (a: number, b: number) => Math.min(Math.abs(a - b), 86_400 - Math.abs(a - b));
  for (const [i, movedMs] of [0, -2 * hour, hour].entries()) {
    if (i > 0) {
      process.kill(daemon.pid, 'SIGUSR2');
      await daemon.hears(new RegExp(`the clock says ${new Date(Date.now() + movedMs).toISOString().slice(0, 13)}`));
    }
    await page.waitForTimeout(4000);
    const [early, late] = [await at(0.3), await at(0.97)];
    const now = secondOfDay(Date.now() + movedMs);
    expect(between(late.secondOfDay, now)).toBeLessThanOrEqual(3);
    expect(between(early.secondOfDay, now)).toBeGreaterThan(2); // from before it was set
    expect(between(early.secondOfDay, now)).toBeLessThan(30);
    for (const { truth } of [early, late]) expect(truth).toMatch(/^truth−?[\d.]+ V$/);
    const before = await canvasOf(page, 0);
    await page.waitForTimeout(500);
    expect((await canvasOf(page, 0)).sum).not.toBe(before.sum);
    expect(await page.locator('#live').textContent()).toBe('live');
  }
  expect(complaints).toEqual([]);
});

test('page: when another process is back, what was drawn, chosen and filled in is still there', async (context) => {
  const port = await freePort();
  const config = LINE_CONFIG.replace('window = 50', 'window = 50, labelWait = 1000');
  const first = await startDaemon(context, { config, port });
  first.play(lineLog(4000), 0.01);
  const { page } = await open(context, first);
  await page.locator('canvas').first().waitFor();
  await page.getByRole('button', { name: '2 min' }).click();
  await page.getByLabel('y, V').fill('12.5');
  await vi.waitFor(async () => expect((await statusOf(first)).report.scored).toBeGreaterThan(150), { timeout: 20_000 });
  await page.evaluate('document.querySelector("main").dataset.marked = "yes"');
  await first.stop();
  await page.getByText(/Away since/).waitFor();
  await page.getByRole('button', { name: 'Label' }).click();
  await page.getByText('the process does not answer', { exact: true }).waitFor();

  const second = await startDaemon(context, { config, port });
  second.play(lineLog(4000), 0.01);
  await vi.waitFor(async () => expect(await page.locator('#live').textContent()).toBe('live'), { timeout: 20_000 });
  expect(await page.locator('main').getAttribute('data-marked')).toBe('yes');
  expect(await page.getByRole('button', { name: '2 min' }).getAttribute('aria-pressed')).toBe('true');
  expect(await page.getByLabel('y, V').inputValue()).toBe('12.5');
  // Its rows are counted from the beginning again, and are drawn all the same.
  const legend = page.locator('.predictions .legend');
  await vi.waitFor(async () => expect((await statusOf(second)).report.scored).toBeGreaterThan(30), { timeout: 20_000 });
  const texts = new Set<string | null>();
  await vi.waitFor(
    async () => {
      texts.add(await legend.textContent());
      expect(
        [...texts].filter((text) => /^truth−?[\d.]+ Vpredicted−?[\d.]+ V$/.test(text ?? '')).length,
      ).toBeGreaterThan(3);
    },
    { timeout: 5000 },
  );
  await picture(page, 'another-process');
});

test('page: over a slow line it waits for the first of it', async (context) => {
  const daemon = await startDaemon(context);
  daemon.play(lineLog(4000), 0.01);
  const browser = await needBrowser(context);
  const page = await browser.newPage({ viewport: DESKTOP });
  let asked = 0;
  await page.route('**/api/events', async (route) => {
    asked++;
    await new Promise((resolve) => setTimeout(resolve, 8000));
    await route.continue();
  });
  await page.goto(daemon.url);
  await page.locator('canvas').first().waitFor({ timeout: 12_000 });
  expect(asked).toBe(1);
  expect(await page.getByText(/Away since/).isVisible()).toBe(false);
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
  const daemon = await startDaemon(context, { config: STATES_CONFIG });
  daemon.play(STATES, 0.01);
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
  daemon.play(WAVES, 0.01);
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
