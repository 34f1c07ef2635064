// The wire: rows a second of CPU time that the decoders of edgegrad/bridge take in, five numbers a row, in chunks of
// 4096 bytes as a serial port gives them. A part of npm run bench; alone: node scripts/bench/wire.js.
import { pathToFileURL } from 'node:url';
import { DeviceEncoder, FrameDecoder, LineDecoder, WireDecoder } from '../../dist/bridge.js';

const ROWS = 100_000;
const ROUNDS = 9;
const CHUNK = 4096;
const names = ['a', 'b', 'c', 'd', 'e'];

const valuesOf = (i) => names.map((_, j) => Math.fround(Math.sin(i * 0.37 + j)));

function frames(rowsAFrame) {
  const columns = names.map((name) => ({ name, unit: '', type: 'f32', scale: 1, offset: 0, label: false }));
  const device = new DeviceEncoder({ columns, boot: 1 });
  const parts = [device.bytes.slice(0, device.hello())];
  for (let i = 0; i < ROWS; i += rowsAFrame) {
    device.timeUs[0] = 1000 * i;
    const rows = Array.from({ length: rowsAFrame }, (_, k) => valuesOf(i + k));
    const length = rowsAFrame === 1 ? device.row(rows[0]) : device.batch(1000, rows.flat());
    parts.push(device.bytes.slice(0, length));
  }
  return Buffer.concat(parts);
}

function lines() {
  const text = Array.from({ length: ROWS }, (_, i) =>
    valuesOf(i)
      .map((x) => x.toFixed(4))
      .join(','),
  );
  return Buffer.from(`${names.join(',')}\n${text.join('\n')}\n`);
}

const cpuSeconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

/** Best rows a second over the rounds, each with a decoder of its own. */
function rowsASecond(Decoder, bytes) {
  let best = 0;
  for (let round = 0; round < ROUNDS; round++) {
    let rows = 0;
    const decoder = new Decoder({
      columns: names,
      required: names.map(() => true),
      row: new Float32Array(names.length),
      onRow() {
        rows++;
      },
    });
    const start = cpuSeconds();
    for (let at = 0; at < bytes.length; at += CHUNK) decoder.feed(bytes, at, Math.min(bytes.length, at + CHUNK));
    const seconds = cpuSeconds() - start;
    if (rows !== ROWS) throw new Error(`${rows} rows of ${ROWS}`);
    best = Math.max(best, rows / seconds);
  }
  return best;
}

/** The table of the wire, as text. */
export function wireTable() {
  const text = lines();
  const one = frames(1);
  const ten = frames(10);
  const table = [
    ['frames, one row each', FrameDecoder, one],
    ['frames of ten rows', FrameDecoder, ten],
    ['frames, told from text', WireDecoder, one],
    ['lines', LineDecoder, text],
    ['lines, told from frames', WireDecoder, text],
  ];
  const body = table.map(
    ([what, Decoder, bytes]) =>
      `${what.padEnd(26)}${(rowsASecond(Decoder, bytes) / 1e6).toFixed(2).padStart(14)}${(bytes.length / ROWS).toFixed(1).padStart(12)}\n`,
  );
  return `${'wire'.padEnd(26)}${'million rows/s'.padStart(14)}${'bytes/row'.padStart(12)}\n${body.join('')}`;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) process.stdout.write(wireTable());
