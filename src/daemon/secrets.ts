import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SpecError } from '../spec/index.js';

/**
 * A secret that stands alone in a file; white space around it does not belong to it.
 *
 * @param where the key that names the file
 * @param expected what is in it, in words
 * @throws SpecError where it cannot be read or is empty
 */
export function secretOf(file: string, where: string, expected = 'a file with the secret in it'): string {
  let found: string;
  try {
    const secret = readFileSync(file, 'utf8').trim();
    if (secret !== '') return secret;
    found = 'an empty file';
  } catch (error) {
    found = (error as Error).message;
  }
  throw new SpecError('CONFIG_SECRET', { where: `${where} ${file}`, found, expected });
}

/** Secrets in files of their own, by the names under which systemd hands them to a service whose user may not read those. */
export type Credential = 'http-token' | 'mqtt-password';

/** Where a secret is to be read from: what systemd hands over, where it does, or else its file. */
export function handedOver(credential: Credential, file: string, env: NodeJS.ProcessEnv = process.env): string {
  const handed = join(env.CREDENTIALS_DIRECTORY ?? '/', credential);
  return env.CREDENTIALS_DIRECTORY !== undefined && existsSync(handed) ? handed : file;
}

const SECRET_KEYS = ['password', 'token'];
/** What stands in a secret's place. */
const HIDDEN = '(hidden)';

/** A secret where it is set, however its quotes and escapes are. */
const IN_TOML = new RegExp(`((?:${SECRET_KEYS.join('|')})\\s*=\\s*)(?:"(?:[^"\\\\\\n]|\\\\.)*"|'[^'\\n]*')`, 'g');

/** The secrets among the values of a configuration, sections included. */
function secretsIn(value: unknown): string[] {
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, item]) =>
    typeof item === 'string' && SECRET_KEYS.includes(key) && item !== '' ? [item] : secretsIn(item),
  );
}

/** A configuration and its text without secrets, for recordings and logs. */
export function withoutSecrets<T>(resolved: T, text: string): { resolved: T; text: string } {
  const secrets = secretsIn(resolved);
  const hide = (value: unknown): unknown => {
    if (value === null || typeof value !== 'object') return value;
    if (Array.isArray(value)) return value.map(hide);
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [
        key,
        typeof item === 'string' && SECRET_KEYS.includes(key) ? HIDDEN : hide(item),
      ]),
    );
  };
  return {
    resolved: hide(resolved) as T,
    text: secrets.reduce(
      (shown, secret) => shown.replaceAll(secret, HIDDEN),
      text.replace(IN_TOML, (_, before: string) => `${before}"${HIDDEN}"`),
    ),
  };
}
