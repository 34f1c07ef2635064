import type { Config } from './config.js';
import type { Output, OutputContext } from './live-task.js';

/** What goes out of a process, as its configuration says. What is not configured is not loaded either. */
export async function openOutputs({ output, mqtt, http }: Config, context: OutputContext): Promise<Output[]> {
  const outputs: Output[] = [];
  if (output.ndjson) {
    const { NdjsonOutput } = await import('./ndjson.js');
    outputs.push(new NdjsonOutput(context, process.stdout));
  }
  if (mqtt.url !== undefined) {
    const { MqttOutput } = await import('./mqtt/index.js');
    outputs.push(new MqttOutput(context, { ...mqtt, url: mqtt.url }));
  }
  if (http !== undefined) {
    const { HttpOutput } = await import('./http/output.js');
    outputs.push(new HttpOutput(context, http));
  }
  return outputs;
}
