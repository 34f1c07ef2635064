import { expect, test } from 'vitest';
import { MemorySource, SerialSource, SharedSource } from '../../src/ingest/index.js';
import { Listener, needPty } from '../support/pty.js';

const text = (listener: Listener) => listener.received().toString();

test('every member hears the bytes from its start to its stop, and the source is stopped after the last', async () => {
  const wire = new MemorySource();
  const shared = new SharedSource(wire);
  const [a, b] = [shared.member(), shared.member()];
  const [heardA, heardB] = [new Listener(), new Listener()];
  await a.start(heardA);
  wire.write(Buffer.from('1'));
  await b.start(heardB);
  wire.write(Buffer.from('2'));
  wire.unplug();
  wire.plug();
  wire.write(Buffer.from('3'));
  await a.stop();
  wire.write(Buffer.from('4'));
  await b.stop();
  wire.write(Buffer.from('5'));
  expect([text(heardA), text(heardB)]).toEqual(['123', '234']);
  const change = ['opened', 'closed: unplugged', 'opened', 'closed: stopped'];
  expect(heardA.events).toEqual(change);
  expect(heardB.events).toEqual(change);
  expect(wire.counters().rxBytes).toBe(4);
  // It can be opened anew.
  await a.start(heardA);
  wire.write(Buffer.from('6'));
  expect(text(heardA)).toBe('1236');
});

test('a port is opened once, with one lock, and again after everybody has left', async (context) => {
  const pty = await needPty(context);
  const source = new SerialSource({ path: pty.path });
  const shared = new SharedSource(source);
  const members = [shared.member(), shared.member(), shared.member()];
  const heard = members.map(() => new Listener());
  await Promise.all(members.map((member, i) => member.start(heard[i])));
  pty.write(Buffer.from('abc'));
  await Promise.all(heard.map((listener) => listener.until(() => listener.rxBytes === 3)));
  expect(source.counters()).toMatchObject({ opens: 1, rxBytes: 3 });
  const leaving = Promise.all(members.map((member) => member.stop()));
  const again = shared.member().start(heard[0]); // while it is being closed
  await leaving;
  await again;
  expect(source.counters().opens).toBe(2);
  await expect(new SerialSource({ path: pty.path }).start(new Listener())).rejects.toThrow(/INGEST/); // it is locked
  await shared.member().stop(); // one that never started: nothing happens
  pty.write(Buffer.from('d'));
  await heard[0].until(() => heard[0].rxBytes === 4);
});

test('a port that is not there fails every start, and may be tried again; a stop ends a wait', async () => {
  const strict = new SharedSource(new SerialSource({ path: '/dev/ttyNOTHERE' }));
  const starts = await Promise.allSettled([
    strict.member().start(new Listener()),
    strict.member().start(new Listener()),
  ]);
  expect(starts.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  await expect(strict.member().start(new Listener())).rejects.toThrow(/ttyNOTHERE/);

  const patient = new SharedSource(new SerialSource({ path: '/dev/ttyNOTHERE', wait: true }));
  const [a, b] = [patient.member(), patient.member()];
  const waiting = [a.start(new Listener()), b.start(new Listener())];
  await a.stop();
  await waiting[0];
  await b.stop();
  await waiting[1];
});
