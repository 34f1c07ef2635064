import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { IClientOptions, MqttClient } from 'mqtt';
import { ALARM, PREDICTED } from '../../stream/index.js';
import { DaemonError } from '../checkpoints.js';
import type { Config } from '../config.js';
import { healthMessage } from '../health-message.js';
import { takeLabel } from '../label-message.js';
import type { LiveTask, Output, OutputContext } from '../live-task.js';
import { isEqual } from '../reload.js';
import { rowMessage } from '../row-message.js';
import { handedOver, secretOf } from '../secrets.js';
import { VERSION } from '../version.js';
import { connect } from './connect.js';
import { discovery, discoveryTopic } from './discovery.js';
import { Outbox } from './outbox.js';
import { availabilityTopic, type TaskTopics, topicsOf } from './topics.js';

const RECONNECT_MS = 2000;
const CONNECT_TIMEOUT_MS = 10_000;
const HEALTH_MS = 10_000;
/** How long the messages that wait may take before another broker is gone to. */
const CHANGE_MS = 1000;
/** A command that is longer is refused. */
const MOST_COMMAND_BYTES = 4096;

/** As configured, with a broker. */
export type MqttConfig = Config['mqtt'] & { url: string };

interface Told {
  readonly task: LiveTask;
  topics: TaskTopics;
  lastStateMs: number;
  isInAlarm: boolean;
  lastHealth: string;
}

/**
 * Tells a broker what the tasks do, and takes commands from it. States and events wait in order while the broker is away;
 * what is retained is told anew whenever it is back.
 */
export class MqttOutput implements Output<MqttConfig> {
  private client: MqttClient | null = null;
  private readonly outbox: Outbox;
  private readonly told: readonly Told[];
  private clientId = '';
  private availability = '';
  private options: IClientOptions = {};
  private readonly ends: (() => void)[] = [];
  private timer: NodeJS.Timeout | undefined;
  private isAway = true;
  private hasSaidAway = false;
  private reason = '';
  /** A broker is tried: what does not come of it is an error, and not said. */
  private trial: { succeeded(): void; failed(why: string): void } | null = null;
  private isStopped = false;

  constructor(
    private readonly context: OutputContext,
    private config: MqttConfig,
  ) {
    this.told = context.tasks.map((task) => ({
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

  /**
   * @param isPatient a broker that is away is waited for
   * @throws SpecError where a file it names cannot be read, DaemonError where the broker is not to be waited for and away
   */
  async start(isPatient: boolean): Promise<void> {
    this.use(this.config, this.optionsOf(this.config));
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
    if (isPatient) this.connect();
    else {
      try {
        await this.tryOut();
      } catch (error) {
        await this.stop(0);
        throw error;
      }
    }
  }

  /**
   * Goes over to another broker, or to the same one as somebody else. What waits for the broker waits on.
   *
   * @throws SpecError where a file it names cannot be read, DaemonError where it cannot be connected to: then it goes back
   * to the one before
   */
  async change(next: MqttConfig): Promise<void> {
    const { config, options } = this;
    const nextOptions = this.optionsOf(next);
    if (isEqual([next, nextOptions], [config, options])) return;
    this.forget(next);
    await this.leave(CHANGE_MS);
    if (this.isStopped) return;
    this.use(next, nextOptions);
    try {
      await this.tryOut();
    } catch (error) {
      if (!this.isStopped) {
        this.use(config, options);
        this.connect();
      }
      throw error;
    }
  }

  async stop(withinMs: number): Promise<void> {
    this.isStopped = true;
    clearInterval(this.timer);
    for (const end of this.ends) end();
    this.trial?.failed('the end has come');
    if (this.client?.connected) {
      for (const each of this.told) {
        this.retain(this.client, each.topics.health, JSON.stringify(healthMessage(each.task)));
      }
    }
    await this.leave(withinMs);
  }

  private use(config: MqttConfig, options: IClientOptions): void {
    this.config = config;
    this.options = options;
    this.clientId = options.clientId!;
    this.availability = options.will!.topic;
    this.outbox.capacity = config.buffer;
    for (const each of this.told) each.topics = topicsOf(config.topic, each.task.config.name);
  }

  private connect(): void {
    const client = connect(this.config.url, this.options);
    this.client = client;
    const isOurs = () => this.client === client;
    client.on('connect', () => {
      if (isOurs()) this.connected(client);
    });
    client.on('close', () => {
      if (isOurs()) this.away();
    });
    client.on('error', (error) => {
      if (!isOurs()) return;
      this.reason = error.message;
      this.away();
    });
    client.on('message', (topic, payload, packet) => {
      if (!isOurs()) return;
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
  }

  /** Connects, and gives up where that does not work at once. @throws DaemonError */
  private async tryOut(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const connected = new Promise<void>((resolve, reject) => {
      this.trial = { succeeded: resolve, failed: (why) => reject(new Error(why)) };
      timer = setTimeout(() => reject(new Error('no answer')), CONNECT_TIMEOUT_MS);
      this.connect();
    });
    try {
      await connected;
    } catch (error) {
      this.trial = null;
      await this.leave(0);
      throw new DaemonError('MQTT_BROKER', {
        where: `mqtt.url ${this.config.url}`,
        found: (error as Error).message,
        expected: 'a broker that takes the connection',
      });
    } finally {
      clearTimeout(timer);
      this.trial = null;
    }
  }

  /** Ends the connection, and says so where there is one. */
  private async leave(withinMs: number): Promise<void> {
    const { client, outbox } = this;
    if (client === null) return;
    const isThere = client.connected;
    const until = performance.now() + withinMs / 2;
    while (client.connected && outbox.size > 0 && performance.now() < until) await sleep(5);
    this.client = null;
    this.isAway = true;
    outbox.takeBack();
    const late = sleep(withinMs / 2);
    if (isThere) {
      const isOver = new Promise<void>((resolve) => {
        client.publish(this.availability, 'offline', { qos: 1, retain: true }, () => resolve());
      });
      await Promise.race([isOver, late]);
    }
    await Promise.race([client.endAsync(true), late]);
  }

  /** Of what Home Assistant was told, takes back what it will not be told any more. */
  private forget(next: MqttConfig): void {
    const { client, config, clientId, told } = this;
    if (client === null || !client.connected || !config.homeAssistant) return;
    for (const { task } of told) {
      const topic = discoveryTopic(config.discoveryPrefix, clientId, task.config.name);
      const nextTopic = discoveryTopic(next.discoveryPrefix, this.clientIdOf(next), task.config.name);
      if (!next.homeAssistant || topic !== nextTopic) this.retain(client, topic, '');
    }
  }

  /** Where Home Assistant says that it has begun. */
  private get birthTopic(): string {
    return `${this.config.discoveryPrefix}/status`;
  }

  private clientIdOf({ clientId }: MqttConfig): string {
    return clientId ?? `edgegrad-${hostname()}-${machineId()}${this.told[0].task.config.name}`;
  }

  /** @throws SpecError where a file it names cannot be read */
  private optionsOf(config: MqttConfig): IClientOptions {
    const { username, password, passwordFile, caFile, topic } = config;
    const file = passwordFile && handedOver('mqtt-password', passwordFile);
    const secret = password ?? (file && secretOf(file, 'mqtt.passwordFile'));
    const clientId = this.clientIdOf(config);
    return {
      clientId,
      ...(username === undefined ? {} : { username }),
      ...(secret === undefined ? {} : { password: secret }),
      ...(caFile === undefined ? {} : { ca: secretOf(caFile, 'mqtt.caFile', 'certificates, as PEM') }),
      will: { topic: availabilityTopic(topic, clientId), payload: Buffer.from('offline'), qos: 1, retain: true },
      clean: true,
      queueQoSZero: false,
      reconnectPeriod: RECONNECT_MS,
      reconnectOnConnackError: true,
      connectTimeout: CONNECT_TIMEOUT_MS,
    };
  }

  private connected(client: MqttClient): void {
    const { config, told, outbox } = this;
    const waiting = outbox.size;
    const dropped = outbox.dropped > 0 ? `, ${outbox.dropped} dropped so far` : '';
    this.context.say(
      `broker ${config.url} is there${waiting > 0 ? `: ${waiting} messages waited${dropped}` : ''}`,
      'info',
    );
    this.isAway = false;
    this.hasSaidAway = false;
    this.trial?.succeeded();
    const topics = config.commands ? told.map((each) => `${each.topics.set}/+`) : [];
    if (config.homeAssistant) topics.push(this.birthTopic);
    if (topics.length > 0) client.subscribe(topics, { qos: 1 });
    this.tellAll();
    outbox.open();
  }

  private away(): void {
    this.outbox.close();
    this.isAway = true;
    const { reason, trial } = this;
    this.reason = '';
    trial?.failed(reason === '' ? 'a connection that was closed' : reason);
    if (trial !== null || this.hasSaidAway) return;
    this.hasSaidAway = true;
    const why = reason === '' ? '' : `: ${reason}`;
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
  if (payload.length > MOST_COMMAND_BYTES) return `more than ${MOST_COMMAND_BYTES} bytes`;
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

/**
 * Six digits of this installation and a `-`, since machines made from one image have the same host name; empty if the system
 * keeps no id. The id itself is not shown.
 */
function machineId(): string {
  try {
    const id = readFileSync('/etc/machine-id', 'utf8').trim();
    return id === '' ? '' : `${createHash('sha256').update(`edgegrad ${id}`).digest('hex').slice(0, 6)}-`;
  } catch {
    return '';
  }
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
