import { adviceOn, type LineDecoder, quotedLine, shownPartial } from '../bridge/index.js';
import type { SpecError } from '../spec/index.js';
import { NothingRead } from './errors.js';

/** Why an input of which nothing was a row could not be read. */
export function nothingRead(where: string, lines: LineDecoder, mismatch?: SpecError): NothingRead {
  if (mismatch !== undefined) {
    return new NothingRead(mismatch.code, { ...mismatch.problem, where: `${where}: ${mismatch.problem.where}` });
  }
  const { refusals } = lines;
  const [most] = refusals.report();
  const example = refusals.example();
  const { rxBytes, rxLines } = lines.counters();
  const expected = 'rows of numbers';
  if (most === undefined || example === null) {
    const { bytes, line } = shownPartial(lines);
    const found =
      bytes > 0
        ? `${bytes} bytes without the end of a line, which begin ${quotedLine(line)}`
        : `${rxBytes} bytes and no line with anything in it`;
    return new NothingRead('REPLAY_NO_ROWS', { where, found, expected, remedy: 'look at how it begins' });
  }
  return new NothingRead('REPLAY_NO_ROWS', {
    where,
    found: `${rxLines} ${rxLines === 1 ? 'line' : 'lines'} and no row among them, the last ${quotedLine(example)}`,
    expected,
    remedy: adviceOn(most.reason, example),
  });
}
