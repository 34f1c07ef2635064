import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import type { HttpConfig } from '../http-config.js';
import { readToken } from '../http-config.js';
import type { Output, OutputContext } from '../live-task.js';
import { VERSION } from '../version.js';
import { Access } from './access.js';
import { createApp } from './app.js';
import { loadAssets } from './assets.js';
import { EventStream, eventOf } from './event-stream.js';
import { moment, TaskFeed } from './feed.js';
import { Health } from './health.js';
import type { BeginMessage, StatusMessage } from './messages.js';
import { Metrics } from './metrics.js';

/** Between messages with rows, and between those with everything else. */
const ROWS_MS = 50;
const STATUS_MS = 1000;
/** Between rows that are kept for a page that will be opened. */
const PAST_MS = 200;
/** An address that cannot be had may be had later: another process has the port, or the network is not up yet. */
const RETRY_MS = 5000;
/** Requests without the token are told of at most so often. */
const REFUSED_MS = 60_000;

/** What a connection may take: bytes of headers, seconds for a request, connections at once. */
const LIMITS = {
  maxHeaderSize: 8 * 1024,
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 5000,
};
const MOST_CONNECTIONS = 64;
/** A connection on which nothing moves is closed. */
const IDLE_MS = 60_000;

/** The local page, health and metrics of a process. */
export class HttpOutput implements Output {
  /** Where it is listening; null while it is not. */
  address: AddressInfo | null = null;
  private readonly startedMs = Date.now();
  private readonly feeds: TaskFeed[];
  private readonly events: EventStream;
  private server: Server | null = null;
  private access: Access | null = null;
  private rowsTimer: NodeJS.Timeout | undefined;
  private statusTimer: NodeJS.Timeout | undefined;
  private pastTimer: NodeJS.Timeout | undefined;
  private retryTimer: NodeJS.Timeout | undefined;
  private isStopped = false;
  private refusedSaid = 0;
  private refusedSaidMs = -Infinity;

  constructor(
    private readonly context: OutputContext,
    private readonly config: HttpConfig,
  ) {
    this.events = new EventStream((count) => this.counted(count));
    this.feeds = context.tasks.map(
      (task, i) =>
        new TaskFeed(task, i, (event) => {
          if (this.events.count > 0) this.events.send(eventOf('event', { task: i, event }), false);
        }),
    );
  }

  /**
   * Begins to listen, now or as soon as it can.
   *
   * @throws SpecError where the token cannot be read
   */
  async start(): Promise<void> {
    const { context, config, feeds, events } = this;
    const { tasks } = context;
    const access = new Access(
      readToken(config),
      config.names,
      () => `edgegrad-${this.address?.port ?? config.port}`, // cookies do not know ports
    );
    this.access = access;
    const health = new Health(tasks);
    const metrics = new Metrics(tasks, () => ({
      clients: events.count,
      droppedClients: events.dropped,
      refused: access.refused,
    }));
    const app = createApp({
      access,
      tasks,
      assets: loadAssets(),
      events,
      begin: () => this.begin(),
      status: () => this.status(),
      health: () => health.look(),
      metrics: () => metrics.text(),
    });
    const server = createAdaptorServer({
      fetch: app.fetch,
      serverOptions: LIMITS,
      overrideGlobalObjects: false,
    }) as Server;
    server.maxConnections = MOST_CONNECTIONS;
    server.timeout = IDLE_MS;
    this.server = server;
    this.statusTimer = setInterval(() => {
      for (const feed of feeds) feed.second();
      if (events.count > 0) events.send(eventOf('status', this.status()), false);
      this.sayRefused();
    }, STATUS_MS);
    this.statusTimer.unref();
    this.pastTimer = setInterval(() => {
      for (const feed of feeds) feed.keepLatest();
    }, PAST_MS);
    this.pastTimer.unref();
    await this.listen(true);
  }

  async stop(): Promise<void> {
    const { server, events, feeds } = this;
    this.isStopped = true;
    clearTimeout(this.retryTimer);
    clearInterval(this.rowsTimer);
    clearInterval(this.statusTimer);
    clearInterval(this.pastTimer);
    for (const feed of feeds) feed.stop();
    this.refusedSaidMs = -Infinity;
    this.sayRefused();
    events.close();
    if (server === null || !server.listening) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  }

  /** Resolves when it listens, or it is known why it does not yet. */
  private async listen(isFirst: boolean): Promise<void> {
    const { server, config, context } = this;
    const { host, port } = config;
    const problem = await new Promise<NodeJS.ErrnoException | null>((resolve) => {
      server!.once('error', resolve);
      server!.listen({ host, port }, () => {
        server!.off('error', resolve);
        resolve(null);
      });
    });
    if (problem === null) {
      this.address = server!.address() as AddressInfo;
      server!.on('error', () => {});
      context.say(`page at http://${shownHost(host)}:${this.address.port}/`, 'info');
      return;
    }
    if (this.isStopped) return;
    if (isFirst) {
      const why = problem.code === 'EADDRINUSE' ? 'is taken by another process' : `cannot be had: ${problem.code}`;
      context.say(`http: ${shownHost(host)}:${port} ${why}; tried again until it can`, 'warning');
    }
    this.retryTimer = setTimeout(() => void this.listen(false), RETRY_MS);
    this.retryTimer.unref();
  }

  /** Rows are sent only while a page listens. */
  private counted(count: number): void {
    const isListening = this.rowsTimer !== undefined;
    if (count > 0 === isListening) return;
    for (const feed of this.feeds) feed.listen(count > 0);
    clearInterval(this.rowsTimer);
    this.rowsTimer = undefined;
    if (count === 0) return;
    this.rowsTimer = setInterval(() => {
      for (const feed of this.feeds) {
        const message = feed.take();
        if (message !== null) this.events.send(eventOf('rows', message), true);
      }
    }, ROWS_MS);
    this.rowsTimer.unref();
  }

  private begin(): BeginMessage {
    return {
      ...moment(),
      version: VERSION,
      startedMs: this.startedMs,
      tasks: this.feeds.map((feed) => feed.describe()),
    };
  }

  private status(): StatusMessage {
    return {
      ...moment(),
      rssBytes: process.memoryUsage.rss(),
      tasks: this.feeds.map((feed) => feed.status()),
    };
  }

  private sayRefused(): void {
    const refused = this.access?.refused ?? 0;
    const now = performance.now();
    if (refused === this.refusedSaid || now - this.refusedSaidMs < REFUSED_MS) return;
    this.context.say(`http: ${refused - this.refusedSaid} requests without the token`, 'warning');
    this.refusedSaid = refused;
    this.refusedSaidMs = now;
  }
}

/** An address as it stands in a URL. */
const shownHost = (host: string) => (host.includes(':') && !host.startsWith('[') ? `[${host}]` : host);
