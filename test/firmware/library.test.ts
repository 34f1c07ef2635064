// @slow the library of the board is compiled for several processors

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ARDUINO, buildFolder, FIRMWARE, need, run } from './tools.js';

const MAX_MS = 300_000;

/** Bytes on an ATmega328P; the figures of `make size` with some room for other compilers. */
const MAX_FLASH_BYTES = 3700;
const MAX_FLASH_WITH_FLOATS_BYTES = 6000;
const MAX_RAM_BYTES = 120;

describe('firmware library', () => {
  let build: Awaited<ReturnType<typeof buildFolder>>;
  beforeAll(async () => {
    build = await buildFolder();
  });
  afterAll(() => build.remove());

  test('passes the vectors both ways and behaves over time, under sanitizers', { timeout: MAX_MS }, (context) => {
    need(context, 'cc', 'gcc', 'make');
    const printed = run('make', ['test', `BUILD=${build.folder}`]);
    expect(printed).toMatch(/^device: \d+ checks, 0 failures$/m);
    expect(printed).toMatch(/^vectors: \d{3,} cases, \d+ checks, 0 failures$/m);
  });

  test('hostile bytes stay bounded in both decoders', { timeout: MAX_MS }, (context) => {
    need(context, 'cc', 'make');
    const printed = run('make', ['fuzz', `BUILD=${build.folder}`, 'RUNS=200000', 'LIMIT=60']);
    expect(printed).toMatch(/^fuzz: seed 1,/m);
    expect(printed).toMatch(/device took [1-9]\d* frames/);
  });

  test('takes no more of an ATmega328P than it says', { timeout: MAX_MS }, (context) => {
    need(context, 'avr-gcc', '/usr/lib/avr/include/avr/io.h');
    const printed = run('sh', ['size.sh'], { BUILD: build.folder });
    const total = /ATmega328P[\s\S]*?total: (\d+) bytes of flash, (\d+) of RAM; with eg_send_floats (\d+)/.exec(
      printed,
    );
    expect(Number(total?.[1])).toBeGreaterThan(1000);
    expect(Number(total?.[1])).toBeLessThanOrEqual(MAX_FLASH_BYTES);
    expect(Number(total?.[2])).toBeLessThanOrEqual(MAX_RAM_BYTES);
    expect(Number(total?.[3])).toBeLessThanOrEqual(MAX_FLASH_WITH_FLOATS_BYTES);
  });

  test('the README states the sizes that are measured', { timeout: MAX_MS }, (context) => {
    need(context, 'avr-gcc', '/usr/lib/avr/include/avr/io.h');
    const [, version] = /\(GCC\) (\S+)/.exec(run('avr-gcc', ['--version'])) ?? [];
    const readme = readFileSync(join(FIRMWARE, 'README.md'), 'utf8');
    if (!readme.includes(`avr-gcc ${version}`)) context.skip(`the README speaks of another compiler than ${version}`);
    const total = /ATmega328P[\s\S]*?total: (\d+) bytes of flash, (\d+) of RAM; with eg_send_floats (\d+)/.exec(
      run('sh', ['size.sh'], { BUILD: build.folder }),
    );
    for (const bytes of total?.slice(1) ?? ['none']) expect(readme.replaceAll(',', '')).toContain(`${bytes} bytes`);
  });

  test('the examples compile: sketches for an Uno, and the one for Linux', { timeout: MAX_MS }, (context) => {
    need(context, 'cc', 'make', 'avr-gcc', `${ARDUINO}/cores/arduino/Arduino.h`);
    const printed = run('make', ['examples', `BUILD=${build.folder}`]);
    expect(printed).toContain('linux_host: compiled');
    for (const sketch of ['accelerometer', 'environment', 'label_button', 'print_csv']) {
      const [, flash, ram] = new RegExp(`${sketch}: (\\d+) bytes of flash, (\\d+) of RAM`).exec(printed) ?? [];
      expect(Number(flash), sketch).toBeGreaterThan(1000);
      expect(Number(flash), sketch).toBeLessThan(32256);
      expect(Number(ram), sketch).toBeLessThan(1024);
    }
  });

  test('the files of vectors are what make.py writes', (context) => {
    need(context, 'python3');
    run('python3', ['protocol/vectors/make.py', build.folder]);
    for (const name of ['binary.json', 'binary.txt']) {
      expect(
        readFileSync(join(FIRMWARE, 'protocol/vectors', name), 'utf8') ===
          readFileSync(join(build.folder, name), 'utf8'),
        name,
      ).toBe(true);
    }
  });
});
