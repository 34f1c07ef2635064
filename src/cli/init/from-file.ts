import { feedTextLog } from '../../recording/index.js';
import { SpecError } from '../../spec/index.js';
import { exampleOf, MAX_BYTES, type Observation, observe } from './observe.js';
import { noRows } from './told.js';

/**
 * What the beginning of a text log says about its rows, as `replay` reads them.
 *
 * @param log a path, or `-` for standard input
 * @throws IngestError where it cannot be read, SpecError where no rows are in it
 */
export async function observeFile(log: string): Promise<Observation> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  await feedTextLog(
    log,
    {
      bytes(buffer, length) {
        if (size >= MAX_BYTES) return;
        chunks.push(buffer.slice(0, length));
        size += length;
      },
      hasEnough: () => size >= MAX_BYTES,
    },
    { columns: [] },
  );
  const bytes = Buffer.concat(chunks);
  const observation = observe(bytes, false);
  if (observation !== undefined) return observation;
  throw new SpecError('INIT_NO_ROWS', {
    where: log,
    found: noRows(bytes, exampleOf(bytes)),
    expected: 'rows of numbers',
    remedy: 'look at its first lines; firmware-bridge/protocol/text.md lists the forms that are read',
  });
}
