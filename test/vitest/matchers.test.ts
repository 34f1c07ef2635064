import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { demoConfigPath, loadConfig } from '../../src/daemon/index.js';
import { streamOptionsOf } from '../../src/recording/index.js';
import { type TrackedReplay, trackReplay } from '../../src/vitest/index.js';
import { temporaryDirectory } from '../support/pty.js';
import { SHIPPED_HASH } from '../support/shipped-log.js';

const config = loadConfig(demoConfigPath());
let replay: TrackedReplay;
beforeAll(async () => {
  replay = await trackReplay(join(config.file, '../sailing_wind.csv'), { stream: streamOptionsOf(config) });
});

test('toReachSkill passes at the skill reached, and says what was found above it', () => {
  const skill = (replay.result.metrics as { skill: number }).skill;
  expect(replay).toReachSkill(skill);
  expect(replay.result).toReachSkill(0.6);
  expect(replay).not.toReachSkill(0.99);
  expect(() => expect(replay).toReachSkill(0.99)).toThrow(/skill of at least 0\.99, found 0\.8\d+ over 3517 rows/);
});

test('toMatchHash compares with a hash, or with a golden file', async () => {
  expect(replay).toMatchHash(SHIPPED_HASH);
  expect(() => expect(replay).toMatchHash('0000000000000000')).toThrow(
    `expected hash 0000000000000000, found ${SHIPPED_HASH}`,
  );
  const golden = join(await temporaryDirectory(), 'wind.hash');
  writeFileSync(golden, '0000000000000000\n');
  if (!process.argv.some((word) => /^(-u|--update)/.test(word))) {
    expect(() => expect(replay).toMatchHash({ golden })).toThrow(/vitest --update writes it/);
  }
  const absent = join(await temporaryDirectory(), 'new', 'wind.hash');
  if (process.env.CI) expect(replay).not.toMatchHash({ golden: absent });
  else {
    expect(replay).toMatchHash({ golden: absent });
    expect(readFileSync(absent, 'utf8')).toBe(`${SHIPPED_HASH}\n`);
  }
  expect(existsSync(golden)).toBe(true);
});

test('toStayBelow looks at every window behind the first rows', () => {
  const { report } = replay.result;
  if (report.kind !== 'regress' || report.window.worst?.mae == null) throw new Error('not a scored regression');
  const worst = { mae: report.window.worst.mae };
  expect(replay).not.toStayBelow('mae', 0.99 * worst.mae);
  expect(replay).toStayBelow('mae', 1.001 * worst.mae, { after: 100 });
  expect(worst.mae).toBeLessThan(1);
  expect(() => expect(replay).toStayBelow('mae', 0.01, { after: 500 })).toThrow(
    /expected mae below 0\.01 after 500 rows, found \S+ over the 200 rows up to scored row \d+/,
  );
  expect(() => expect(replay).toStayBelow('rmse', 9, { after: 3400 })).toThrow(/expected more than 3600 scored rows/);
});
