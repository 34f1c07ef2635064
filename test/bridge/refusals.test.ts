import { expect, test } from 'vitest';
import { LineDecoder, pointedLine, quotedLine, RefusalWatch, shownPartial } from '../../src/bridge/index.js';

const encode = (text: string) => new TextEncoder().encode(text);

function deviceOf(columns: string[]): {
  decoder: LineDecoder;
  watch: RefusalWatch;
  say(text: string | Uint8Array): void;
} {
  const decoder = new LineDecoder({
    columns,
    required: columns.map(() => true),
    row: new Float32Array(columns.length),
    onRow() {},
  });
  const watch = new RefusalWatch(decoder.refusals, decoder);
  return {
    decoder,
    watch,
    say(text) {
      const bytes = typeof text === 'string' ? encode(text) : text;
      decoder.feed(bytes, 0, bytes.length);
    },
  };
}

const rows = (count: number) => Array.from({ length: count }, (_, i) => `${i},${i / 2}\n`).join('');

test('each reason has its count and its latest line, with the field that is wrong', () => {
  const { decoder, say } = deviceOf(['a', 'b']);
  say(`${rows(8)}1,2x\n1,3.5V\n1,2,3\n${rows(2)}`);
  expect(decoder.refusals.report()).toEqual([
    { reason: 'notNumeric', count: 2, example: { text: '1,3.5V', wrong: [2, 6], verdict: 'notNumeric' } },
    { reason: 'fieldCount', count: 1, example: { text: '1,2,3', wrong: null, verdict: 'fieldCount' } },
  ]);
  expect([decoder.refusals.refused, decoder.refusals.undecided]).toEqual([3, 0]);
});

test('an example cannot move a cursor, and its caret stands under the field that is wrong', () => {
  const { decoder, say } = deviceOf(['a', 'b']);
  say(rows(8));
  say(Uint8Array.of(0x31, 0x09, 0x1b, 0xc2, 0xb0, 0xff, 0x2c, 0x32, 0x0a)); // 1 TAB ESC ° byte ,2
  const example = decoder.refusals.example();
  expect(example?.text).toBe('1␉°�,2'); // escape characters are taken out
  expect(pointedLine(example!, '  ')).toBe('  1␉°�,2\n  ^^^^');
  expect(quotedLine(example!)).toBe('"1␉°�,2", where "1␉°�" is wrong');
});

test('of a long line the part with the wrong field is kept', () => {
  const columns = Array.from({ length: 100 }, (_, i) => `c${i}`);
  const { decoder, say } = deviceOf(columns);
  const line = columns.map((_, i) => String(i));
  for (let i = 0; i < 8; i++) say(`${line.join(',')}\n`);
  say(`${line.map((text, i) => (i === 90 ? 'oops' : text)).join(',')}\n`);
  const example = decoder.refusals.example()!;
  expect(example.text.slice(...example.wrong!)).toBe('oops');
  expect(example.text.length).toBeLessThan(250);
});

test('lines before a format count too, and are given as what became of them', () => {
  const { decoder, say } = deviceOf(['a', 'b']);
  say('Boot v1\nready\n1,2\n');
  expect([decoder.refusals.undecided, decoder.refusals.refused]).toEqual([3, 0]);
  expect(decoder.refusals.lines().map(({ verdict }) => verdict)).toEqual(['undecided', 'undecided', 'undecided']);
  say(rows(7));
  expect([decoder.refusals.undecided, decoder.refusals.refused]).toEqual([0, 2]);
  const lines = decoder.refusals.lines();
  expect(lines.slice(0, 3).map(({ text, verdict }) => [text, verdict])).toEqual([
    ['Boot v1', 'noFormat'],
    ['ready', 'noFormat'],
    ['1,2', 'row'],
  ]);
  expect(lines).toHaveLength(10);
});

test('the latest lines are kept where somebody looks, good ones among them', () => {
  const { decoder, say } = deviceOf(['a', 'b']);
  say(rows(8));
  decoder.refusals.lines();
  say(`# note\n5,6\noops\n`);
  expect(decoder.refusals.lines().map(({ text, verdict }) => [text, verdict])).toEqual([
    ['# note', 'comment'],
    ['5,6', 'row'],
    ['oops', 'text'],
  ]);
  say(rows(100));
  expect(decoder.refusals.lines()).toHaveLength(12);
});

test('a device of which no line is a row is seen after three seconds, and no sooner', () => {
  const { watch, say, decoder } = deviceOf(['a', 'b']);
  const said: (string | null)[] = [];
  for (let second = 0; second < 8; second++) {
    say(`Temp is fine, thank you\n`);
    said.push(watch.look(1000 * second));
  }
  expect(said).toEqual([null, null, null, null, null, 'begins', null, null]);
  expect(watch.since.refused).toBe(8);
  say(rows(40));
  expect(watch.look(9000)).toBe('over');
  expect(decoder.refusals.rows).toBe(40);
});

test('rows of a slow device, of which a format has not been found yet, are no reason for a word', () => {
  const { watch, say } = deviceOf(['a', 'b']);
  say('rst cause 4\nboot mode 3\n');
  for (let second = 0; second < 70; second++) {
    if (second % 10 === 0) say('1,2\n');
    expect(watch.look(1000 * second)).toBeNull();
  }
});

test('it begins with a tenth of the lines and is over after ten good ones, later after more', () => {
  const { watch, say } = deviceOf(['a', 'b']);
  let nowMs = 0;
  const look = () => {
    nowMs += 4000;
    return [watch.look(nowMs), watch.look((nowMs += 4000))].find((said) => said !== null) ?? null;
  };
  say(rows(50));
  say('oops\n');
  say(rows(50));
  expect(look()).toBeNull();
  for (let i = 0; i < 5; i++) say(`oops\n${rows(4)}`);
  expect(look()).toBe('begins');
  expect(watch.isRefusing).toBe(true);
  say(rows(5));
  expect(look()).toBeNull();
  say(rows(1));
  expect(look()).toBe('over');
  say(rows(100));
  for (let i = 0; i < 5; i++) say(`oops\n${rows(4)}`);
  expect(look()).toBe('begins');
  say(rows(10));
  expect(look()).toBeNull();
  say(rows(10));
  expect(look()).toBe('over');
});

test('bytes without the end of a line are seen, and how they begin', () => {
  const { watch, say, decoder } = deviceOf(['a', 'b']);
  say(`${'~#'.repeat(120)}`);
  expect([watch.look(0), watch.look(2000), watch.look(4000)]).toEqual([null, null, 'begins']);
  say('~'.repeat(1000));
  expect(shownPartial(decoder)).toMatchObject({ bytes: 1240, line: { text: `${'~#'.repeat(120)}…` } });
});
