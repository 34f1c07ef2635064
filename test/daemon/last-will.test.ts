// @slow a broker and a process that is killed

import { expect, test } from 'vitest';
import { Broker, Listener } from '../support/broker.js';
import { configure, folderOfTest, LINE_CONFIG, runDaemon } from '../support/daemon.js';
import { needTool } from '../support/tools.js';

test('a process that is killed is offline for those who connect later too: its last will is retained', async (context) => {
  needTool(context, 'mosquitto');
  const broker = await Broker.start();
  const folder = folderOfTest();
  const file = configure(folder, 'a.toml', LINE_CONFIG('a', `[mqtt]\nurl = "${broker.url}"\nclientId = "bench"\n`));
  const early = await Listener.to(broker.url);
  const run = runDaemon(folder, [file, '--port', '-']);
  const isNow = (listener: Listener, value: string) =>
    expect.poll(() => listener.last('edgegrad/availability/bench'), { timeout: 20_000 }).toBe(value);
  await isNow(early, 'online');
  run.child.kill('SIGKILL');
  await isNow(early, 'offline');
  await isNow(await Listener.to(broker.url), 'offline');
});
