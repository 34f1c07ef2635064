import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer, type HttpBindings } from '@hono/node-server';
import type { Hono } from 'hono';
import { DaemonError } from '../checkpoints.js';
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
export class HttpOutput implements Output<HttpConfig> {
  private readonly startedMs = Date.now();
  private readonly feeds: TaskFeed[];
  private readonly events: EventStream;
  private readonly assets = loadAssets();
  private readonly health: Health;
  private readonly metrics: Metrics;
  /** Null while it is not listening. */
  private server: Server | null = null;
  private access: Access | null = null;
  /** Answers requests, as `access` lets it. */
  private answer: Hono<{ Bindings: HttpBindings }>['fetch'] | null = null;
  private rowsTimer: NodeJS.Timeout | undefined;
  private statusTimer: NodeJS.Timeout | undefined;
  private pastTimer: NodeJS.Timeout | undefined;
  private retryTimer: NodeJS.Timeout | undefined;
  private isStopped = false;
  private refusedSaid = 0;
  private refusedSaidMs = -Infinity;

  constructor(
    private readonly context: OutputContext,
    private config: HttpConfig,
  ) {
    const { tasks } = context;
    this.events = new EventStream((count) => this.counted(count));
    this.feeds = tasks.map(
      (task, i) =>
        new TaskFeed(task, i, (event) => {
          if (this.events.count > 0) this.events.send(eventOf('event', { task: i, event }), false);
        }),
    );
    this.health = new Health(tasks);
    this.metrics = new Metrics(tasks, () => ({
      clients: this.events.count,
      droppedClients: this.events.dropped,
      refused: this.access?.refused ?? 0,
    }));
  }

  /** Where it is listening; null while it is not. */
  get address(): AddressInfo | null {
    return this.server === null ? null : (this.server.address() as AddressInfo);
  }

  /**
   * Begins to listen.
   *
   * @param isPatient an address that cannot be had yet is tried again until it can
   * @throws SpecError where the token cannot be read, DaemonError where the address cannot be had
   */
  async start(isPatient: boolean): Promise<void> {
    const { config, feeds, events } = this;
    this.admit(this.accessOf(config));
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
    if (isPatient) await this.listen(true);
    else {
      try {
        this.server = await this.open(config);
      } catch (error) {
        await this.stop();
        throw error;
      }
      if (this.isStopped) await this.stop(); // meanwhile
    }
  }

  /**
   * Goes on at another address, or for those who know another token. What pages were shown of the past is kept.
   *
   * @throws SpecError where the token cannot be read, DaemonError where the address cannot be had: all is as it was
   */
  async change(next: HttpConfig): Promise<void> {
    const { config } = this;
    const access = this.accessOf(next);
    if (next.host !== config.host || next.port !== config.port) await this.move(next);
    this.config = next;
    if (this.access?.isAs(access)) return;
    this.admit(access);
    this.events.close(); // who was let in before has to ask again
    this.context.say('http: others may see the page now', 'info');
  }

  async stop(): Promise<void> {
    const { server, events, feeds } = this;
    this.isStopped = true;
    this.server = null;
    clearTimeout(this.retryTimer);
    clearInterval(this.rowsTimer);
    clearInterval(this.statusTimer);
    clearInterval(this.pastTimer);
    for (const feed of feeds) feed.stop();
    this.refusedSaidMs = -Infinity;
    this.sayRefused();
    events.close();
    if (server !== null) await closed(server);
  }

  /** @throws SpecError where the token cannot be read */
  private accessOf(config: HttpConfig): Access {
    // Cookies do not know ports.
    return new Access(readToken(config), config.names, () => `edgegrad-${this.address?.port ?? config.port}`);
  }

  /** From now on answers as `access` lets it. */
  private admit(access: Access): void {
    access.refused = this.access?.refused ?? 0;
    this.access = access;
    this.answer = createApp({
      access,
      tasks: this.context.tasks,
      assets: this.assets,
      events: this.events,
      begin: () => this.begin(),
      status: () => this.status(),
      health: () => this.health.look(),
      metrics: () => this.metrics.text(),
    }).fetch;
  }

  /** Listens. @throws DaemonError where the address cannot be had */
  private async open({ host, port }: HttpConfig): Promise<Server> {
    const server = createAdaptorServer({
      fetch: (request, env) => this.answer!(request, env as HttpBindings),
      serverOptions: LIMITS,
      overrideGlobalObjects: false,
    }) as Server;
    server.maxConnections = MOST_CONNECTIONS;
    server.timeout = IDLE_MS;
    await new Promise<void>((resolve, reject) => {
      server.once('error', (problem: NodeJS.ErrnoException) => reject(cannotListen(host, port, problem)));
      server.listen({ host, port }, resolve);
    });
    server.on('error', () => {});
    const { port: found } = server.address() as AddressInfo;
    this.context.say(`page at http://${shownHost(host)}:${found}/`, 'info');
    return server;
  }

  /** Goes over to another address; of two at the same port only one can be had. @throws DaemonError where it cannot */
  private async move(next: HttpConfig): Promise<void> {
    const { server } = this;
    const isSamePort = server !== null && next.port === this.address?.port;
    clearTimeout(this.retryTimer);
    if (isSamePort) await closed(server);
    try {
      this.server = await this.open(next);
    } catch (error) {
      if (isSamePort) this.server = null;
      if (this.server === null) await this.listen(false);
      throw error;
    }
    if (server !== null && !isSamePort) await closed(server);
    if (this.isStopped) await this.stop(); // meanwhile
  }

  /** Resolves when it listens, or it is known why it does not yet: it is tried again. */
  private async listen(isFirst: boolean): Promise<void> {
    try {
      this.server = await this.open(this.config);
      if (this.isStopped) await this.stop(); // meanwhile
    } catch (error) {
      if (this.isStopped) return;
      if (isFirst) this.context.say(`${(error as Error).message}; tried again until it can`, 'warning');
      this.retryTimer = setTimeout(() => void this.listen(false), RETRY_MS);
      this.retryTimer.unref();
    }
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

function cannotListen(host: string, port: number, problem: NodeJS.ErrnoException): DaemonError {
  const isTaken = problem.code === 'EADDRINUSE';
  return new DaemonError('HTTP_ADDRESS', {
    where: `http: ${shownHost(host)}:${port}`,
    found: isTaken ? 'a port that is taken by another process' : `an address that cannot be had: ${problem.code}`,
    expected: 'one that is free',
  });
}

/** Resolves when a server listens no more and has no connection left. */
async function closed(server: Server): Promise<void> {
  const isClosed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await isClosed;
}
