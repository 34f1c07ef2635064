import { Command, Option } from 'commander';
import { replayLog } from '../recording/index.js';
import { EXIT_FAILED } from './errors.js';
import { healthLines } from './health.js';
import { readCheckpoint } from './options.js';
import { Progress } from './progress.js';

interface VerifyFlags {
  from?: string;
  json?: boolean;
  executor?: 'auto' | 'simd' | 'reference';
}

export function verifyCommand(): Command {
  return new Command('verify')
    .description('replay a recording and compare with every state it tells of: the same bits, or exit code 1')
    .argument('<recording...>', '.mcap files of one recording in order, or a folder of them')
    .option('--from <checkpoint>', 'what the recorded process began with, where that is not in the recording')
    .option('--json', 'print one JSON object on standard output')
    .addOption(new Option('--executor <kind>', 'what runs the network').choices(['auto', 'simd', 'reference']))
    .action(async (paths: string[], flags: VerifyFlags) => {
      const progress = new Progress();
      const checkpoint = readCheckpoint(flags.from);
      const { result } = await replayLog(paths, {
        ...(flags.executor === undefined ? {} : { executor: flags.executor }),
        ...(checkpoint === undefined ? {} : { checkpoint }),
        onProgress: (share, rows) => progress.show(share, `${rows} rows`),
      }).finally(() => progress.end());
      const { files = [], comparison = { compared: 0, equal: 0, notCompared: 0, notes: [] } } = result.recording ?? {};
      const { compared, equal, notCompared } = comparison;
      const isVerified = compared > 0 && equal === compared && notCompared === 0;
      if (flags.json) {
        process.stdout.write(
          `${JSON.stringify({ isVerified, rows: result.rows, hash: result.hash, comparison, files })}\n`,
        );
      } else {
        const verdict = isVerified
          ? 'the same bits'
          : compared === 0
            ? 'nothing to compare'
            : equal < compared
              ? 'DIFFERENT'
              : 'not wholly compared';
        process.stdout.write(
          `${paths.join(' ')}: ${verdict}; ${result.rows} rows, hash ${result.hash} (${result.executor})\n${healthLines(files, comparison)}`,
        );
      }
      if (!isVerified) process.exitCode = EXIT_FAILED;
    });
}
