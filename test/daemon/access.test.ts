import { expect, test } from 'vitest';
import { Access } from '../../src/daemon/http/access.js';

const TOKEN = '0123456789abcdef0123456789abcdef';
const access = new Access(TOKEN, [], () => 'edgegrad');

test('access: the whole token opens, and nothing that only begins or ends like it', () => {
  expect(access.isKnown(`Bearer ${TOKEN}`, undefined)).toBe(true);
  expect(access.isKnown(`bearer  ${TOKEN}`, undefined)).toBe(true);
  for (let length = 0; length < TOKEN.length; length++) {
    expect(access.isKnown(`Bearer ${TOKEN.slice(0, length)}`, undefined), `first ${length}`).toBe(false);
    expect(access.isKnown(`Bearer ${TOKEN.slice(TOKEN.length - length)}`, undefined), `last ${length}`).toBe(false);
  }
  for (const other of [`${TOKEN}0`, `0${TOKEN}`, TOKEN.toUpperCase(), `${TOKEN} x`, 'undefined', '']) {
    expect(access.isKnown(`Bearer ${other}`, undefined), other).toBe(false);
  }
  expect(access.isKnown(`Basic ${TOKEN}`, undefined)).toBe(false);
  expect(access.isKnown(TOKEN, undefined)).toBe(false);
});

test('access: the token is no cookie, and an empty cookie opens nothing', () => {
  for (const cookie of [TOKEN, '', 'x']) expect(access.isKnown(undefined, cookie), cookie).toBe(false);
});

test('access: without a token everyone is let in', () => {
  expect(new Access(undefined, [], () => 'edgegrad').isKnown(undefined, undefined)).toBe(true);
});
