import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectTcp, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type MqttClient } from 'mqtt';
import { onTestFinished } from 'vitest';

/** A port nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** A real broker, Mosquitto, which can be killed and started again. */
export class Broker {
  private child: ChildProcess | null = null;
  private readonly folder = mkdtempSync(join(tmpdir(), 'edgegrad-broker-'));

  private constructor(
    readonly port: number,
    private readonly config: string,
  ) {}

  /** @param config lines for mosquitto.conf */
  static async start(config = 'allow_anonymous true\n'): Promise<Broker> {
    const broker = new Broker(await freePort(), config);
    onTestFinished(async () => {
      await broker.kill();
      rmSync(broker.folder, { recursive: true, force: true });
    });
    await broker.begin();
    return broker;
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  async begin(): Promise<void> {
    const file = join(this.folder, 'mosquitto.conf');
    writeFileSync(file, `listener ${this.port} 127.0.0.1\n${this.config}`);
    this.child = spawn('mosquitto', ['-c', file], { stdio: 'ignore' });
    for (;;) {
      const socket = connectTcp(this.port, '127.0.0.1');
      const isThere = await once(socket, 'connect').then(
        () => true,
        () => false,
      );
      socket.destroy();
      if (isThere) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async kill(): Promise<void> {
    const { child } = this;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
}

/** A wire between a client and a broker that can be cut. */
export class Wire {
  private readonly sockets = new Set<Socket>();
  private isCut = false;

  private constructor(readonly port: number) {}

  static async to(port: number): Promise<Wire> {
    const wire = new Wire(await freePort());
    const server = createServer((socket) => {
      if (wire.isCut) {
        socket.destroy();
        return;
      }
      const other = connectTcp(port, '127.0.0.1');
      for (const [from, into] of [
        [socket, other],
        [other, socket],
      ] as const) {
        wire.sockets.add(from);
        from.on('error', () => {}).on('close', () => into.destroy());
        from.pipe(into);
      }
    }).listen(wire.port, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      wire.cut();
      server.close();
    });
    return wire;
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  cut(): void {
    this.isCut = true;
    for (const socket of this.sockets) socket.destroy();
    this.sockets.clear();
  }

  mend(): void {
    this.isCut = false;
  }
}

/** Who listens to everything a broker hears. */
export class Listener {
  readonly heard: { topic: string; text: string; retain: boolean }[] = [];

  private constructor(readonly client: MqttClient) {}

  static async to(url: string, topics: string | string[] = '#'): Promise<Listener> {
    const client = connect(url, { reconnectPeriod: 50 });
    const listener = new Listener(client);
    client.on('error', () => {});
    client.on('message', (topic, payload, { retain }) =>
      listener.heard.push({ topic, text: payload.toString(), retain }),
    );
    await new Promise<void>((resolve) => client.once('connect', () => resolve()));
    await client.subscribeAsync(topics, { qos: 1 });
    onTestFinished(() => client.endAsync(true));
    return listener;
  }

  of(topic: string): string[] {
    return this.heard.filter((each) => each.topic === topic).map(({ text }) => text);
  }

  last(topic: string): string | undefined {
    return this.of(topic).at(-1);
  }
}
