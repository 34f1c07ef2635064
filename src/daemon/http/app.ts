import type { HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { getCookie } from 'hono/cookie';
import * as v from 'valibot';
import { EdgegradError, SpecError } from '../../spec/index.js';
import { parse } from '../../spec/parse.js';
import { outcomeNames, QUARANTINED } from '../../stream/index.js';
import type { LiveTask } from '../live-task.js';
import type { Access } from './access.js';
import type { Asset } from './assets.js';
import { type EventStream, eventOf } from './event-stream.js';
import type { BeginMessage, HealthMessage, StatusMessage } from './messages.js';

/** Most bytes of a request's body: a label is far less. */
const MOST_BODY_BYTES = 16 * 1024;

/** Nothing is loaded from elsewhere, and nobody else shows the page within theirs. */
const HEADERS: Record<string, string> = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
};

const integer = v.pipe(
  v.number(),
  v.check((n) => Number.isSafeInteger(n) && n >= 0, 'a whole number from 0'),
);
const learningSchema = v.strictObject({ on: v.boolean() });
const saveSchema = v.strictObject({});
const labelSchema = v.strictObject({
  values: v.array(v.number()),
  age: v.optional(integer),
  place: v.optional(integer),
});

type Env = { Bindings: HttpBindings };

/** What the routes need of the process. */
export interface AppContext {
  access: Access;
  tasks: readonly LiveTask[];
  assets: ReadonlyMap<string, Asset>;
  events: EventStream;
  begin(): BeginMessage;
  status(): StatusMessage;
  health(): HealthMessage;
  metrics(): Promise<{ type: string; text: string }>;
}

/** The routes: the page, what it asks, health and metrics. */
export function createApp({ access, tasks, assets, events, ...context }: AppContext): Hono<Env> {
  const app = new Hono<Env>();

  app.use(async (c, next) => {
    for (const [name, value] of Object.entries(HEADERS)) c.header(name, value);
    await next();
  });
  app.use(access.byName);
  app.use(shortBody);

  for (const [path, { type, bytes, etag }] of assets) {
    app.get(path, (c) => {
      c.header('ETag', etag);
      c.header('Cache-Control', 'no-cache');
      if (c.req.header('if-none-match') === etag) return c.body(null, 304);
      c.header('Content-Type', type);
      c.header('Content-Encoding', 'gzip');
      return c.body(bytes);
    });
  }

  app.get('/healthz', (c) => {
    const health = context.health();
    const mayKnow = access.isKnown(c.req.header('authorization'), getCookie(c, access.cookie()));
    c.header('Cache-Control', 'no-store');
    return c.json(mayKnow ? health : { status: health.status }, health.status === 'failing' ? 503 : 200);
  });

  app.get('/metrics', access.byToken, async (c) => {
    const { type, text } = await context.metrics();
    return c.body(text, 200, { 'Content-Type': type, 'Cache-Control': 'no-store' });
  });

  app.post('/api/login', access.ownPage, access.login);

  app.use('/api/*', access.byToken);
  app.get('/api/status', (c) => {
    c.header('Cache-Control', 'no-store');
    return c.json(context.status());
  });
  app.get('/api/events', (c) => {
    if (events.isFull) return c.json({ error: 'as many pages as there may be listen already' }, 503);
    events.add(c.env.outgoing, HEADERS, `retry: 2000\n${eventOf('begin', context.begin())}`);
    return RESPONSE_ALREADY_SENT;
  });

  const taskOf = (c: Context<Env>) => {
    const name = c.req.param('name');
    return tasks.find((task) => task.config.name === name);
  };
  const control = <S extends v.GenericSchema<unknown, unknown>>(
    path: string,
    schema: S,
    act: (task: LiveTask, body: v.InferOutput<S>, c: Context<Env>) => Response | Promise<Response>,
  ) =>
    app.post(path, access.ownPage, async (c) => {
      const task = taskOf(c);
      if (task === undefined) return c.json({ error: 'no task of this name' }, 404);
      try {
        const body: unknown = await c.req.json().catch(() => undefined);
        return await act(task, parse(schema, body, 'body'), c);
      } catch (error) {
        if (error instanceof SpecError) return c.json({ error: error.message }, 400);
        if (error instanceof EdgegradError) {
          return c.json({ error: error.message }, error.code === 'TASK_NOT_RUNNING' ? 409 : 500);
        }
        throw error;
      }
    });

  control('/api/tasks/:name/learning', learningSchema, (task, { on }, c) => {
    task.setLearning(on);
    return c.json({ isLearning: task.stream.isLearning });
  });
  control('/api/tasks/:name/save', saveSchema, async (task, _, c) => {
    await task.save();
    const { file } = task.status().checkpoint;
    return c.json({ file });
  });
  control('/api/tasks/:name/label', labelSchema, (task, { values, age, place }, c) => {
    const { targets } = task.stream.task;
    if (values.length !== targets.length) {
      return c.json({ error: `values: found ${values.length}, expected those of ${targets.join(', ')}` }, 400);
    }
    if ((age === undefined) === (place === undefined)) {
      return c.json({ error: 'expected either "age", rows before the latest, or "place", of the row' }, 400);
    }
    const unused = task.stream.report().unusedLabels;
    const outcome = task.label(values, age ?? task.stream.places - place!);
    if ((outcome & QUARANTINED) !== 0) return c.json({ error: 'a value is missing or out of range' }, 422);
    if (task.stream.report().unusedLabels > unused) {
      return c.json(
        { error: 'that row is not waited for: it is too long ago, was not predicted or has its label' },
        409,
      );
    }
    return c.json({ outcome: outcomeNames(outcome) });
  });

  app.notFound((c) => c.json({ error: 'not found' }, 404));
  app.onError((error, c) => {
    // A broken request, or a fault of ours: neither stops the learning, and what it was is not for the outside.
    const status = (error as { status?: unknown }).status;
    return c.json({ error: 'it did not work' }, typeof status === 'number' && status < 500 ? 400 : 500);
  });
  return app;
}

/** Refuses a body that is too long before it is read; one that comes in chunks is read up to the limit. */
const shortBody: MiddlewareHandler<Env> = async (c, next) => {
  const { headers } = c.env.incoming;
  const isChunked = headers['transfer-encoding'] !== undefined;
  if (!isChunked && Number(headers['content-length'] ?? 0) <= MOST_BODY_BYTES) return next();
  const text = isChunked ? await textWithin(c.env.incoming, MOST_BODY_BYTES) : undefined;
  if (text === undefined) {
    c.header('Connection', 'close'); // the rest is not read
    return c.json({ error: `a body above ${MOST_BODY_BYTES} bytes` }, 413);
  }
  c.req.bodyCache.text = Promise.resolve(text) as unknown as string; // Hono keeps promises here
  return next();
};

/** The body of a request; undefined if it is longer than `most` bytes. */
async function textWithin(incoming: HttpBindings['incoming'], most: number): Promise<string | undefined> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of incoming.iterator({ destroyOnReturn: false })) {
    length += (piece as Buffer).length;
    if (length > most) return undefined;
    pieces.push(piece as Buffer);
  }
  return Buffer.concat(pieces).toString();
}
