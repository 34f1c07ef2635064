import { describe, expect, test } from 'vitest';
import { LineDecoder, MAX_LINE_BYTES } from '../../src/bridge/index.js';
import { SpecError } from '../../src/spec/index.js';
import { accountedLines, decode, listen, withChecksum } from '../support/lines.js';

const encode = (text: string) => new TextEncoder().encode(text);
const columns = ['t', 'a'];
const rows = (from: number, to: number, delimiter = ',') => {
  let text = '';
  for (let i = from; i < to; i++) text += `${i}${delimiter}${i / 2}\n`;
  return text;
};

function feed(decoder: LineDecoder, text: string): void {
  const bytes = encode(text);
  decoder.feed(bytes, 0, bytes.length);
}

describe('before the lock', () => {
  test('nothing is decoded until eight lines agree; then all eight are, after the format', () => {
    const { decoder, heard } = listen({ columns });
    feed(decoder, rows(0, 7));
    expect(decoder.format).toBeNull();
    expect(heard().rows).toEqual([]);
    feed(decoder, rows(7, 8));
    expect(decoder.format).toMatchObject({ kind: 'csv', delimiter: ',', names: null });
    expect(heard().rows.map((row) => row[0])).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(heard().order).toEqual(['format', ...Array(8).fill('row')]);
  });

  test('the end of the source decides on fewer than eight lines', () => {
    expect(decode({ columns }, '1,2').rows).toEqual([[1, 2]]);
    expect(decode({ columns }, 't,a\n1,2\n').rows).toEqual([[1, 2]]);
    expect(decode({ columns }, '5\n1,2\n').rows).toEqual([[1, 2]]); // of two formats with one line each the later one
    expect(decode({ columns }, 'hello\n').counters).toMatchObject({ rxLines: 1, droppedBeforeLock: 1, formats: 0 });
    expect(decode({ columns }, '').counters).toMatchObject({ rxLines: 0, formats: 0 });
  });

  test('a boot log of any length keeps sixteen lines and drops the rest', () => {
    const boot = Array.from({ length: 1000 }, (_, i) => `I (${i}) wifi: state ${i % 7} -> ${i % 3}\n`).join('');
    const heard = decode({ columns }, `${boot}${rows(0, 9)}`);
    expect(heard.rows).toHaveLength(9);
    expect(heard.counters).toMatchObject({ droppedBeforeLock: 1000, formats: 1 });
  });

  test('a header is remembered over more lines than are held', () => {
    const heard = decode({ columns }, `a,t\n${'calibrating\n'.repeat(40)}${rows(1, 9)}`);
    expect(heard.formats[0].names).toEqual(['a', 't']);
    expect(heard.rows[0]).toEqual([0.5, 1]);
    expect(accountedLines(heard.counters)).toBe(heard.counters.rxLines);
  });

  test('rows before and after a header, as when opening a port resets the board, are all under its names', () => {
    const heard = decode({ columns }, `${rows(0, 3)}Boot v1\na,t\n${rows(3, 9)}`);
    expect(heard.rows.map((row) => row[1])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(heard.counters).toMatchObject({ headers: 1, formats: 1, rejectedFieldCount: 1 });
  });

  test('of two kinds of rows the one with more lines wins', () => {
    const heard = decode({ columns }, '1,1,1\n1,2\n2,2,2\n2,2\n3,4\n');
    expect(heard.rows).toHaveLength(3);
    expect(heard.counters).toMatchObject({ droppedBeforeLock: 1, rejectedFieldCount: 1 });
  });
});

describe('after the lock', () => {
  test('a rejected line leaves the row and the time as they were', () => {
    const row = new Float32Array(2);
    const decoder = new LineDecoder({ columns, required: [true, true], row, timeColumn: 0, onRow() {} });
    feed(decoder, rows(0, 8));
    feed(decoder, '9,x\n9,1e39\n9\n9,9*00\n');
    expect([...row, decoder.time[0]]).toEqual([7, 3.5, 7]);
  });

  test('one accepted row between them keeps seven and seven refused lines from being another format', () => {
    const { decoder, heard } = listen({ columns });
    feed(decoder, rows(0, 8));
    for (let i = 0; i < 10; i++) feed(decoder, rows(0, 7, ';') + rows(0, 1));
    expect(heard().counters).toMatchObject({ formats: 1, rejectedFieldCount: 70, rowsDecoded: 18 });
  });

  test('eight refused lines lock the new format, and the ninth is a row', () => {
    const { decoder, heard } = listen({ columns });
    feed(decoder, rows(0, 8));
    feed(decoder, rows(0, 9, ';'));
    expect(heard().order).toEqual(['format', ...Array(8).fill('row'), ...Array(8).fill('reject'), 'format', 'row']);
  });

  test('names stay in force when a device stops printing checksums', () => {
    const text = `a,t\n${rows(0, 8)}`
      .trimEnd()
      .split('\n')
      .map((line) => `${withChecksum(line)}\n`)
      .join('');
    const heard = decode({ columns }, text + rows(0, 9));
    expect(heard.counters).toMatchObject({ formats: 2, rejectedChecksum: 8, rowsDecoded: 9 });
    expect(heard.formats[1]).toMatchObject({ names: ['a', 't'], checksum: false });
  });

  test('where rows have a checksum, a header without one needs eight rows under it', () => {
    const checked = rows(0, 8).replace(/(.+)\n/g, (_, line: string) => `${withChecksum(line)}\n`);
    expect(decode({ columns }, `${checked}x,y\n${withChecksum('1,2')}\n`).counters).toMatchObject({
      formats: 1,
      rejectedChecksum: 1,
      rowsDecoded: 9,
    });
    const heard = decode({ columns }, `${checked}a,t\n${rows(0, 9)}`);
    expect(heard.formats[1]).toMatchObject({ names: ['a', 't'], checksum: false });
  });

  test('a required column that is not there is told once, in one line, with a remedy', () => {
    const heard = decode({ columns }, `t,x\n${rows(0, 20)}`);
    expect(heard.mismatches).toEqual([
      'BRIDGE_COLUMNS: the device\'s header line: found "t", "x", expected "a" among them, which the task needs; ' +
        'print this name, or declare the columns by the names the device prints',
    ]);
    expect(heard.counters.rejectedColumns).toBe(20);
    expect(decode({ columns }, '1,2,3\n').mismatches).toEqual([
      'BRIDGE_COLUMNS: the device\'s rows: found 3 fields and no header line, expected 2: "t", "a"; ' +
        'let the device print a header line, or declare every column it prints, in order',
    ]);
  });

  test('names from the wire cannot break the line of an error', () => {
    const long = 'n'.repeat(100);
    const heard = decode({ columns }, `t,${long},b,c,d,e,f,g,h\x7f,i\n1,1,1,1,1,1,1,1,1,1\n`);
    expect(heard.mismatches[0]).toContain(`"${'n'.repeat(39)}…"`);
    expect(heard.mismatches[0]).toContain('and 2 more');
  });
});

describe('a cut link', () => {
  test('drops the half line and goes on at a line start, or after the next line feed, as told', () => {
    const { decoder, heard } = listen({ columns });
    feed(decoder, `${rows(0, 8)}8,`);
    decoder.reset(false);
    feed(decoder, '9,9\n10,');
    decoder.reset(true);
    feed(decoder, '1,1\n11,11\n');
    expect(heard().rows.slice(8)).toEqual([
      [9, 9],
      [11, 11],
    ]);
    expect(heard().counters).toMatchObject({ droppedPartial: 3, formats: 1, rxLines: 10 });
  });

  test('forgets lines held for detection, so that no row comes late', () => {
    const { decoder, heard } = listen({ columns });
    feed(decoder, rows(0, 7));
    decoder.reset(false);
    feed(decoder, rows(7, 14));
    expect(heard().rows).toEqual([]);
    feed(decoder, rows(14, 15));
    expect(heard().rows.map((row) => row[0])).toEqual([7, 8, 9, 10, 11, 12, 13, 14]);
    expect(heard().counters.droppedBeforeLock).toBe(7);
  });

  test('in the middle of an over-long line loses that line only', () => {
    const { decoder, heard } = listen({ columns });
    feed(decoder, rows(0, 8) + '1'.repeat(MAX_LINE_BYTES + 1));
    decoder.reset(true);
    feed(decoder, `${'1'.repeat(9999)}\n1,1\n`);
    expect(heard().counters).toMatchObject({ rowsDecoded: 9, rejectedTooLong: 0, droppedPartial: 2 });
  });
});

test('only the bytes from start to end are looked at', () => {
  const { decoder, heard } = listen({ columns });
  const bytes = encode(`x\n\n${rows(0, 9)}7,7\n`);
  decoder.feed(bytes, 3, bytes.length - 4);
  decoder.feed(bytes, 3, 3);
  expect(heard().counters).toMatchObject({ rowsDecoded: 9, rxLines: 9, rxBytes: bytes.length - 7 });
});

test.each([
  [{ columns: [], required: [] }, 'columns'],
  [{ columns: ['a', 'a'], required: [true, true] }, 'columns'],
  [{ columns: ['a'], required: [] }, 'required'],
  [{ columns: ['a'], required: [true], ignored: [true] }, 'ignored'],
  [{ columns: ['a', 'b'], required: [true, true] }, 'row'],
  [{ columns: ['a'], required: [true], timeColumn: 1 }, 'timeColumn'],
])('options that do not belong together are refused: %j', (options, where) => {
  expect(() => new LineDecoder({ ...options, row: new Float32Array(1), onRow() {} })).toThrow(
    expect.objectContaining({ constructor: SpecError, problem: expect.objectContaining({ where }) }),
  );
});
