import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { isLoopback } from '../http-config.js';

/** How long a browser stays let in. */
const COOKIE_S = 30 * 24 * 3600;

/** Whether two texts are the same, in a time that tells nothing about where they differ. */
export function isSame(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** Who may ask, and from where. */
export class Access {
  /** Requests that came without the token. */
  refused = 0;
  /** What the cookie of a browser that was let in holds: follows from the token, but does not tell it. */
  private readonly pass: string;

  /**
   * @param names this machine is asked by besides those of itself
   * @param cookie its name
   */
  constructor(
    private readonly token: string | undefined,
    private readonly names: readonly string[],
    readonly cookie: () => string,
  ) {
    this.pass = token === undefined ? '' : createHmac('sha256', token).update('edgegrad page').digest('base64url');
  }

  /** Whether it lets in the same. */
  isAs({ token, names }: Access): boolean {
    return token === this.token && names.join() === this.names.join();
  }

  get needsToken(): boolean {
    return this.token !== undefined;
  }

  /**
   * Refuses to be asked by another name than this machine's own where there is no token: a foreign page whose name has
   * been pointed here would be of the same origin (DNS rebinding).
   */
  readonly byName: MiddlewareHandler = async (c, next) => {
    if (this.needsToken || this.isOwnName(c.req.header('host'))) return next();
    return c.json({ error: 'asked by a name that is not among http.names' }, 421);
  };

  /** Lets pass who has the token or the cookie. */
  readonly byToken: MiddlewareHandler = async (c, next) => {
    if (this.isKnown(c.req.header('authorization'), getCookie(c, this.cookie()))) return next();
    this.refused++;
    c.header('WWW-Authenticate', 'Bearer realm="edgegrad"');
    return c.json({ error: 'a token is needed' }, 401);
  };

  /**
   * Lets pass what changes something only from a page of our own, or from no page at all: a form of a foreign one cannot
   * send JSON, and a script of a foreign one tells where it is from.
   */
  readonly ownPage: MiddlewareHandler = async (c, next) => {
    const type = (c.req.header('content-type') ?? '').split(';')[0].trim().toLowerCase();
    if (type !== 'application/json') return c.json({ error: 'expected Content-Type: application/json' }, 415);
    const origin = c.req.header('origin');
    const site = c.req.header('sec-fetch-site');
    const isForeign = origin !== undefined && hostOf(origin) !== c.req.header('host')?.toLowerCase();
    if (isForeign || (site !== undefined && site !== 'same-origin' && site !== 'none')) {
      return c.json({ error: 'not from another page' }, 403);
    }
    return next();
  };

  /** Whether somebody has shown the token. */
  isKnown(authorization: string | undefined, cookie: string | undefined): boolean {
    const { token, pass } = this;
    if (token === undefined) return true;
    const [, given] = /^Bearer +(\S+)$/i.exec(authorization ?? '') ?? [];
    const byHeader = isSame(given ?? '', token);
    const byCookie = isSame(cookie ?? '', pass);
    return (given !== undefined && byHeader) || (cookie !== undefined && byCookie);
  }

  /** Lets a browser in for a month, if it gives the token. */
  readonly login: MiddlewareHandler = async (c) => {
    const body = (await c.req.json().catch(() => null)) as { token?: unknown } | null;
    const given = typeof body?.token === 'string' ? body.token : '';
    if (this.token === undefined || !isSame(given, this.token)) {
      this.refused++;
      return c.json({ error: 'not the token' }, 401);
    }
    setCookie(c, this.cookie(), this.pass, {
      httpOnly: true,
      sameSite: 'Strict',
      path: '/',
      maxAge: COOKIE_S,
      secure: c.req.header('x-forwarded-proto') === 'https',
    });
    return c.json({});
  };

  private isOwnName(host: string | undefined): boolean {
    const name = (host ?? '').replace(/:\d+$/, '').toLowerCase();
    return isLoopback(name) || this.names.some((each) => each.toLowerCase() === name);
  }
}

/** `host:port` of an origin; undefined where it is none (`null`). */
function hostOf(origin: string): string | undefined {
  try {
    return new URL(origin).host;
  } catch {
    return undefined;
  }
}
