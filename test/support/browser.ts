import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';
import { onTestFinished, type TestContext } from 'vitest';

const PROGRAMS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** A real browser that goes with the test. Without one the test is skipped, in CI it fails. */
export async function needBrowser(context: TestContext): Promise<Browser> {
  const executablePath = PROGRAMS.find((program) => existsSync(program));
  if (executablePath === undefined) {
    const reason = 'chromium is not installed';
    if (process.env.CI) throw new Error(reason);
    console.log(`not tried, as ${reason}`);
    context.skip(reason);
    throw new Error('skipped');
  }
  const browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking'],
  });
  onTestFinished(() => browser.close());
  return browser;
}
