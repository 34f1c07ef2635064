import { expect, test } from 'vitest';
import type { DeviceHello } from '../../src/bridge/index.js';
import { DeviceLink } from '../../src/daemon/device-link.js';
import type { Stream } from '../../src/stream/index.js';

/** A link whose device says things; nothing is sent to it. */
function linked() {
  const said: string[] = [];
  const options = {
    send: () => true,
    say: (text: string) => said.push(text),
    wanted: { rowPeriodS: undefined, output: false },
  };
  const link = new DeviceLink({ prediction: new Float64Array(1) } as Stream, options as never);
  return { link, said, events: link.events() };
}

const hello = (firmware: string, boot: number) => ({ firmware, boot, rowPeriodUs: 0 }) as unknown as DeviceHello;

test('firmware and log texts of a device are one line each, without control characters or bidi marks', () => {
  const { link, said, events } = linked();
  events.onHello?.(hello('v1\n<3>forged\u001b]0;title\u0007\u202eabc\u2028\u009b2J', 1));
  events.onLog?.(0, 'a\u001b[2Jb\r\u2066c\nnext');
  events.onText?.('boot\u0000ed\u200f\n');
  expect(said).toEqual([
    'device v1 <3>forged ]0;title abc 2J, boot 1, speaks frames',
    'device, error: a [2Jb c',
    'next',
    'device prints: boot ed',
  ]);
  expect(link.describe()).toMatch(/^device v1 <3>forged ]0;title abc 2J/);
  link.closed();
});

test('a device that boots over and over is quoted 20 times a minute', () => {
  const { link, said, events } = linked();
  for (let boot = 1; boot <= 10_000; boot++) events.onHello?.(hello('v1', boot));
  expect(said).toHaveLength(20);
  link.closed();
});
