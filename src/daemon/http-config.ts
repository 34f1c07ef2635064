import { isIPv4, isIPv6 } from 'node:net';
import { resolve } from 'node:path';
import * as v from 'valibot';
import { SpecError } from '../spec/index.js';
import { handedOver, secretOf } from './secrets.js';

const text = v.pipe(
  v.string(),
  v.check((value) => value.length > 0, 'a text'),
);

/** Long enough not to be found by trying. */
const TOKEN_CHARACTERS = 16;

export const httpSchema = v.strictObject({
  port: v.pipe(
    v.optional(
      v.pipe(
        v.number(),
        v.check((n) => Number.isInteger(n) && n >= 0 && n <= 65535, 'a whole number from 0 to 65535'),
      ),
    ),
    v.description(
      'TCP port of the local page, metrics and health; 0: any free one, which the log tells. Absent: none.',
    ),
  ),
  host: v.pipe(
    v.optional(text, '127.0.0.1'),
    v.description(
      'Address that is listened on. Anything but this machine itself (127.0.0.1, ::1, localhost) needs a token; 0.0.0.0 is every network.',
    ),
  ),
  token: v.pipe(
    v.optional(v.string()),
    v.description('What everybody has to know who wants to see or change anything. At least 16 characters.'),
  ),
  tokenFile: v.pipe(
    v.optional(text),
    v.description(
      'The same, read from a file of its own, relative to this file; better, as this file may be shown around.',
    ),
  ),
  names: v.pipe(
    v.optional(v.array(text), []),
    v.description(
      'Names this machine is asked by besides localhost, where there is no token: those of a reverse proxy. Others are refused, as a foreign page may be behind them.',
    ),
  ),
});

/** Where the local page is, and who may see it. */
export interface HttpConfig {
  /** 0: any free one. */
  port: number;
  host: string;
  token: string | undefined;
  /** Absolute. */
  tokenFile: string | undefined;
  names: string[];
}

/** @throws SpecError where others could see it without a token */
export function httpOf(
  { port, host, token, tokenFile, names }: v.InferOutput<typeof httpSchema>,
  folder: string,
): HttpConfig | undefined {
  if (port === undefined) return undefined;
  if (token !== undefined && tokenFile !== undefined) {
    throw new SpecError('CONFIG_HTTP', {
      where: 'http',
      found: 'both "token" and "tokenFile"',
      expected: 'one of them',
      remedy: 'leave out token',
    });
  }
  if (!isLoopback(host) && token === undefined && tokenFile === undefined) {
    throw new SpecError('CONFIG_HTTP', {
      where: 'http.host',
      found: `"${host}", which other machines reach, without a token`,
      expected: '127.0.0.1, or a token that they have to know',
      remedy: 'set http.tokenFile to a file with what `openssl rand -hex 16` prints',
    });
  }
  return {
    port,
    host,
    token: token === undefined ? undefined : tokenOf(token, 'http.token'),
    tokenFile: tokenFile === undefined ? undefined : resolve(folder, tokenFile),
    names,
  };
}

/** @throws SpecError, without the token in it, where it could be found by trying or does not fit into a header */
function tokenOf(given: string, where: string): string {
  if (given.length >= TOKEN_CHARACTERS && /^[\x21-\x7e]+$/.test(given)) return given;
  throw new SpecError('CONFIG_HTTP', {
    where,
    found: given.length < TOKEN_CHARACTERS ? `${given.length} characters` : 'spaces, or characters beyond ASCII',
    expected: `at least ${TOKEN_CHARACTERS} printable characters without spaces`,
    remedy: 'take what `openssl rand -hex 16` prints',
  });
}

/**
 * The token in force, which may be in a file; undefined where none is needed.
 *
 * @throws SpecError where it cannot be read
 */
export function readToken({ token, tokenFile }: HttpConfig, env: NodeJS.ProcessEnv = process.env): string | undefined {
  if (tokenFile === undefined) return token;
  const file = handedOver('http-token', tokenFile, env);
  return tokenOf(secretOf(file, 'http.tokenFile'), `http.tokenFile ${file}`);
}

/** Whether only this machine itself reaches an address. What is no address is a name, which may be anybody's. */
export function isLoopback(host: string): boolean {
  const address = host.replace(/^\[(.*)\]$/, '$1');
  if (isIPv4(host)) return host.startsWith('127.');
  return (
    /^localhost$/i.test(host) || (isIPv6(address) && new URL(`http://[${address.split('%')[0]}]`).hostname === '[::1]')
  );
}
