import { expect, test } from 'vitest';
import { CHECKSUM_ABSENT, CHECKSUM_RIGHT, CHECKSUM_WRONG, checkChecksum } from '../../src/bridge/checksum.js';
import { SPANS, splitFields, splitLabelled } from '../../src/bridge/fields.js';
import { withChecksum } from '../support/lines.js';

const encode = (text: string) => new TextEncoder().encode(text);

function fields(line: string, delimiter: string): string[] {
  const spans = new Int32Array(SPANS);
  const count = splitFields(encode(line), 0, line.length, delimiter.charCodeAt(0), spans);
  return Array.from({ length: count }, (_, f) => line.slice(spans[2 * f], spans[2 * f + 1]));
}

function pairs(line: string, delimiter: string, separator: string): [string, string][] {
  const spans = new Int32Array(SPANS);
  const count = splitLabelled(encode(line), 0, line.length, delimiter.charCodeAt(0), separator.charCodeAt(0), spans);
  return Array.from({ length: count }, (_, f) => [
    line.slice(spans[4 * f], spans[4 * f + 1]),
    line.slice(spans[4 * f + 2], spans[4 * f + 3]),
  ]);
}

test.each([
  ['1,2,3', ',', ['1', '2', '3']],
  ['1', ',', ['1']],
  [',', ',', ['', '']],
  ['1,,3', ',', ['1', '', '3']],
  ['1,2,', ',', ['1', '2', '']],
  [' 1 ,\t2\t, 3', ',', ['1', '2', '3']],
  ['1;2 3', ';', ['1', '2 3']],
  ['1\t\t3\t', '\t', ['1', '', '3', '']],
  ['\t2', '\t', ['', '2']],
  [' 1 \t 2', '\t', ['1', '2']],
  ['1   2 3', ' ', ['1', '2', '3']],
  ['  1 2  ', ' ', ['1', '2']],
])('fields: "%s" at "%s" is %j', (line, delimiter, expected) => {
  expect(fields(line, delimiter)).toEqual(expected);
});

test.each([
  [
    'a:1,b:2',
    ',',
    ':',
    [
      ['a', '1'],
      ['b', '2'],
    ],
  ],
  [
    ' a : 1 , b : 2 ,',
    ',',
    ':',
    [
      ['a', '1'],
      ['b', '2'],
    ],
  ],
  [
    'a:1 b:2',
    ' ',
    ':',
    [
      ['a', '1'],
      ['b', '2'],
    ],
  ],
  [
    'a: 1  b: 2',
    ' ',
    ':',
    [
      ['a', '1'],
      ['b', '2'],
    ],
  ],
  [
    'wind speed=3;gust=',
    ';',
    '=',
    [
      ['wind speed', '3'],
      ['gust', ''],
    ],
  ],
  [
    'a=1\tb=2',
    '\t',
    '=',
    [
      ['a', '1'],
      ['b', '2'],
    ],
  ],
  ['a:1:2', ',', ':', [['a', '1:2']]],
  ['a:1,2', ',', ':', []],
  [':1', ',', ':', []],
  ['wind speed:3', ' ', ':', []],
  ['a', ',', ':', []],
] as const)('labelled fields: "%s" at "%s" and "%s" is %j', (line, delimiter, separator, expected) => {
  expect(pairs(line, delimiter, separator)).toEqual(expected);
});

test('fields: a line of 512 delimiters, the most there can be, stays within the spans', () => {
  expect(fields(','.repeat(512), ',')).toHaveLength(513);
});

test.each([
  [withChecksum('1,2,3'), CHECKSUM_RIGHT],
  [withChecksum('1,2,3').toLowerCase(), CHECKSUM_RIGHT],
  ['*00', CHECKSUM_RIGHT],
  ['1,2,3*00', CHECKSUM_WRONG],
  ['1,2,3', CHECKSUM_ABSENT],
  ['1,2,3*0', CHECKSUM_ABSENT],
  ['1,2,3*0G', CHECKSUM_ABSENT],
  ['00', CHECKSUM_ABSENT],
])('checksum: %s is %i', (line, expected) => {
  expect(checkChecksum(encode(line), 0, line.length)).toBe(expected);
});
