// @slow a browser looks at the page of a process that runs

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { needBrowser } from '../support/browser.js';
import { startDaemon } from '../support/live-daemon.js';

// The panel of a device's lines in a real Chromium. SCREENSHOTS=folder keeps pictures of it.

test('page: the latest lines of a board with what became of each, and what was quarantined last', async (context) => {
  const daemon = await startDaemon(context);
  const browser = await needBrowser(context);
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  const picture = async (name: string) => {
    const folder = process.env.SCREENSHOTS;
    if (folder === undefined) return;
    mkdirSync(folder, { recursive: true });
    for (const [width, height] of [
      [1280, 800],
      [390, 844],
    ]) {
      await page.setViewportSize({ width, height });
      await page.screenshot({ path: join(folder, `${name}-${width}.png`), fullPage: true });
    }
    await page.setViewportSize({ width: 1280, height: 800 });
  };
  await page.goto(daemon.url);
  const panel = page.locator('.device');
  const say = (text: string) => daemon.pty.write(Buffer.from(text));

  say(Array.from({ length: 7 }, (_, i) => `[sensor ${i}] Luft ${20 + i}° und <b>gut</b>\n`).join(''));
  await panel.getByText('7 lines refused in').waitFor();
  expect(await panel.locator('li code').last().textContent()).toBe('[sensor 6] Luft 26° und <b>gut</b>');
  expect(await panel.locator('b').count()).toBe(0);
  expect(await page.locator('.chip').nth(1).textContent()).toBe('no line is a row');
  await picture('lines-unknown');

  say(Array.from({ length: 40 }, (_, i) => `${i % 7},${3 * (i % 7) + 1},${i % 8}\n`).join(''));
  await panel.getByText('lines refused in').waitFor({ state: 'hidden' });
  await page.waitForTimeout(1100); // the page has asked for good lines
  say('1,4,2\n2,oops,3\n3,10,8.5\n# checked\n4,13\n1,4,3\n');
  await panel.getByText('Quarantined last: z was 8.50, above 8.00.').waitFor();
  await panel.getByText('1 with another number of fields, 1 with a field that is no number').waitFor();
  const lines = await page.evaluate<string[]>(
    `[...document.querySelectorAll('.lines li')].slice(-6).map((item) => [...item.children].map((each) => each.textContent).join(' '))`,
  );
  expect(lines).toEqual([
    '1,4,2 row',
    '2,oops,3 with a field that is no number',
    '3,10,8.5 row',
    '# checked comment',
    '4,13 with another number of fields',
    '1,4,3 row',
  ]);
  expect(await panel.locator('mark').textContent()).toBe('oops');
  await picture('lines-refused');
  expect(complaints).toEqual([]);
});
