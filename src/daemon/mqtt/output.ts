import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { IClientOptions, MqttClient } from 'mqtt';
import { ALARM, PREDICTED } from '../../stream/index.js';
import type { Config } from '../config.js';
import { healthMessage } from '../health-message.js';
import { takeLabel } from '../label-message.js';
import type { LiveTask, Output, OutputContext } from '../live-task.js';
import { rowMessage } from '../row-message.js';
import { secretOf } from '../secrets.js';
import { VERSION } from '../version.js';
import { connect } from './connect.js';
import { discovery, discoveryTopic } from './discovery.js';
import { Outbox } from './outbox.js';
import { availabilityTopic, type TaskTopics, topicsOf } from './topics.js';

const RECONNECT_MS = 2000;
const CONNECT_TIMEOUT_MS = 10_000;
const HEALTH_MS = 10_000;
/** A command that is longer is refused. */
const MOST_COMMAND_BYTES = 4096;

interface Told {
  readonly task: LiveTask;
  readonly topics: TaskTopics;
  lastStateMs: number;
  isInAlarm: boolean;
  lastHealth: string;
}

/**
 * Tells a broker what the tasks do, and takes commands from it. States and events wait in order while the broker is away;
 * what is retained is told anew whenever it is back.
 */
export class MqttOutput implements Output {
  private client: MqttClient | null = null;
  private readonly outbox: Outbox;
  private readonly told: readonly Told[];
  private readonly clientId: string;
  private readonly availability: string;
  private readonly ends: (() => void)[] = [];
  private timer: NodeJS.Timeout | undefined;
  private isAway = true;
  private hasSaidAway = false;
  private reason = '';

  constructor(
    private readonly context: OutputContext,
    private readonly config: Config['mqtt'] & { url: string },
  ) {
    const { tasks } = context;
    this.clientId = config.clientId ?? `edgegrad-${hostname()}-${tasks[0].config.name}`;
    this.availability = availabilityTopic(config.topic, this.clientId);
    this.told = tasks.map((task) => ({
      task,
      topics: topicsOf(config.topic, task.config.name),
      lastStateMs: -Infinity,
      isInAlarm: false,
      lastHealth: '',
    }));
    this.outbox = new Outbox(config.buffer, ({ topic, payload, retain }, done) => {
      this.client?.publish(topic, payload, { qos: 1, retain }, done);
    });
  }

  async start(): Promise<void> {
    const { url } = this.config;
    const options = this.options();
    const client = connect(url, options);
    this.client = client;
    client.on('connect', () => this.connected());
    client.on('close', () => this.away());
    client.on('error', (error) => {
      this.reason = error.message;
      this.away();
    });
    client.on('message', (topic, payload, packet) => {
      if (packet.retain && topic.includes('/set/')) return; // a command of some other time
      if (topic === this.birthTopic) {
        if (payload.toString() === 'online') this.tellAll();
        return;
      }
      for (const each of this.told) {
        if (topic.startsWith(`${each.topics.set}/`))
          void this.command(each, topic.slice(each.topics.set.length + 1), payload);
      }
    });
    for (const each of this.told) {
      const { task } = each;
      this.ends.push(
        task.observe({
          row: (outcome) => this.row(each, outcome),
          event: ({ timeMs, priority, text }) => {
            const message = { at: new Date(timeMs).toISOString(), event: text, priority };
            this.outbox.push({ topic: each.topics.event, payload: JSON.stringify(message), retain: false });
            this.tellHealth(each);
          },
        }),
      );
    }
    this.timer = setInterval(() => {
      for (const each of this.told) this.tellHealth(each);
    }, HEALTH_MS);
  }

  async stop(withinMs: number): Promise<void> {
    clearInterval(this.timer);
    for (const end of this.ends) end();
    const { client } = this;
    if (client === null) return;
    this.client = null;
    const isThere = client.connected;
    for (const each of this.told)
      if (isThere) this.retain(client, each.topics.health, JSON.stringify(healthMessage(each.task)));
    const until = performance.now() + withinMs / 2;
    while (client.connected && this.outbox.size > 0 && performance.now() < until) await sleep(5);
    const late = sleep(withinMs / 2);
    if (isThere) {
      const isOver = new Promise<void>((resolve) => {
        client.publish(this.availability, 'offline', { qos: 1, retain: true }, () => resolve());
      });
      await Promise.race([isOver, late]);
    }
    await Promise.race([client.endAsync(true), late]);
  }

  /** Where Home Assistant says that it has begun. */
  private get birthTopic(): string {
    return `${this.config.discoveryPrefix}/status`;
  }

  /** @throws SpecError where a file it names cannot be read */
  private options(): IClientOptions {
    const { username, password, passwordFile, caFile } = this.config;
    const secret = password ?? (passwordFile === undefined ? undefined : secretOf(passwordFile, 'mqtt.passwordFile'));
    return {
      clientId: this.clientId,
      ...(username === undefined ? {} : { username }),
      ...(secret === undefined ? {} : { password: secret }),
      ...(caFile === undefined ? {} : { ca: readFileSync(caFile) }),
      will: { topic: this.availability, payload: Buffer.from('offline'), qos: 1, retain: true },
      clean: true,
      queueQoSZero: false,
      reconnectPeriod: RECONNECT_MS,
      reconnectOnConnackError: true,
      connectTimeout: CONNECT_TIMEOUT_MS,
    };
  }

  private connected(): void {
    const { client, config, told, outbox } = this;
    if (client === null) return;
    const waiting = outbox.size;
    const dropped = outbox.dropped > 0 ? `, ${outbox.dropped} dropped so far` : '';
    this.context.say(
      `broker ${config.url} is there${waiting > 0 ? `: ${waiting} messages waited${dropped}` : ''}`,
      'info',
    );
    this.isAway = false;
    this.hasSaidAway = false;
    const topics = config.commands ? told.map((each) => `${each.topics.set}/+`) : [];
    if (config.homeAssistant) topics.push(this.birthTopic);
    if (topics.length > 0) client.subscribe(topics, { qos: 1 });
    this.tellAll();
    outbox.open();
  }

  private away(): void {
    this.outbox.close();
    this.isAway = true;
    if (this.client === null || this.hasSaidAway) return;
    this.hasSaidAway = true;
    const why = this.reason === '' ? '' : `: ${this.reason}`;
    this.reason = '';
    this.context.say(`broker ${this.config.url} is away${why}; messages wait for it`, 'warning');
  }

  /** Everything that is retained. */
  private tellAll(): void {
    const { client, config, clientId, availability } = this;
    if (client === null) return;
    if (config.homeAssistant) {
      for (const { task, topics } of this.told) {
        const about = { clientId, availability, version: VERSION, commands: config.commands };
        this.retain(
          client,
          discoveryTopic(config.discoveryPrefix, clientId, task.config.name),
          JSON.stringify(discovery(task, topics, about)),
        );
      }
    }
    this.retain(client, availability, 'online');
    for (const each of this.told) {
      each.lastHealth = '';
      this.tellHealth(each);
    }
  }

  private tellHealth(each: Told): void {
    const { client } = this;
    if (client === null || this.isAway) return;
    const health = healthMessage(each.task);
    const text = JSON.stringify({ ...health, messagesDropped: this.outbox.dropped });
    if (text === each.lastHealth) return;
    each.lastHealth = text;
    this.retain(client, each.topics.health, text);
    this.retain(client, each.topics.learning, health.learning ? 'ON' : 'OFF');
  }

  private retain(client: MqttClient, topic: string, payload: string): void {
    client.publish(topic, payload, { qos: 1, retain: true });
  }

  private row(each: Told, outcome: number): void {
    if ((outcome & (PREDICTED | ALARM)) === 0) return;
    const { intervalS } = this.config;
    const isInAlarm = (outcome & ALARM) !== 0;
    if (intervalS > 0) {
      const now = performance.now();
      // An alarm that begins or ends is told at once.
      if (isInAlarm === each.isInAlarm && now - each.lastStateMs < 1000 * intervalS) return;
      each.lastStateMs = now;
    }
    each.isInAlarm = isInAlarm;
    const { task, topics } = each;
    const message = rowMessage(task.config.name, task.stream, outcome, Date.now());
    this.outbox.push({ topic: topics.state, payload: JSON.stringify(message), retain: true });
  }

  private async command(each: Told, name: string, payload: Buffer): Promise<void> {
    const problem = await obey(each.task, name, payload).catch((error: Error) => error.message);
    const reply = { command: name, ok: problem === undefined, ...(problem === undefined ? {} : { problem }) };
    this.outbox.push({ topic: each.topics.reply, payload: JSON.stringify(reply), retain: false });
    this.tellHealth(each);
  }
}

/** Does what a command says; returns why not, in words. */
async function obey(task: LiveTask, name: string, payload: Buffer): Promise<string | undefined> {
  if (payload.length > MOST_COMMAND_BYTES) return `${payload.length} bytes: expected ${MOST_COMMAND_BYTES} at most`;
  const text = payload.toString();
  switch (name) {
    case 'learning':
      if (text !== 'ON' && text !== 'OFF') return 'expected ON or OFF';
      task.setLearning(text === 'ON');
      return undefined;
    case 'save':
      await task.save();
      return undefined;
    case 'label': {
      let message: unknown;
      try {
        message = JSON.parse(text);
      } catch {
        return 'expected JSON';
      }
      return takeLabel(task, message);
    }
    default:
      return 'expected learning, save or label';
  }
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
