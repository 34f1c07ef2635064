import type { IClientOptions, MqttClient, StreamBuilder } from 'mqtt';
import * as client from 'mqtt/lib/client';
import * as tcp from 'mqtt/lib/connect/tcp';
import * as tls from 'mqtt/lib/connect/tls';
import * as packets from 'mqtt-packet';
import { LongPackets } from './long-packets.js';

/** What a module of CommonJS exports as `default`: Node gives all of its exports by that name. */
const defaultOf = <T>(module: unknown) => (module as { default: { default: T } }).default.default;
const Client =
  defaultOf<new (stream: (made: MqttClient) => ReturnType<StreamBuilder>, options: IClientOptions) => MqttClient>(
    client,
  );
const overTcp = defaultOf<StreamBuilder>(tcp);
const overTls = defaultOf<StreamBuilder>(tls);
// Otherwise a buffer is kept for every number of two bytes: 8 MB.
(packets as unknown as { default: typeof packets }).default.writeToStream.cacheNumbers = false;

/**
 * A client over TCP or TLS, which connects again and again by itself. The other transports of mqtt, which are most of
 * it, are left out.
 *
 * @param url mqtt://host[:port] or, encrypted, mqtts://host[:port]
 */
export function connect(url: string, options: IClientOptions): MqttClient {
  const { protocol, hostname, port } = new URL(url);
  const isEncrypted = protocol === 'mqtts:';
  const all: IClientOptions = {
    ...options,
    protocol: isEncrypted ? 'mqtts' : 'mqtt',
    host: hostname.replace(/^\[(.*)\]$/, '$1'), // of IPv6
    ...(port === '' ? {} : { port: Number(port) }),
  };
  const made = new Client((of) => {
    const stream = (isEncrypted ? overTls : overTcp)(of, all);
    const pipe = stream.pipe.bind(stream);
    stream.pipe = (parser) => pipe(new LongPackets()).pipe(parser);
    return stream;
  }, all);
  made.on('error', () => {}); // who listens hears of it; nobody has to
  return made;
}
