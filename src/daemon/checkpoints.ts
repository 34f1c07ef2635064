import { constants } from 'node:fs';
import { access, link, open, readdir, readFile, rename, rm, stat, unlink, utimes } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { CheckpointError } from '../models/index.js';
import { makeDirectory } from '../recording/index.js';
import { EdgegradError, SpecError } from '../spec/index.js';

/** The process cannot go on: a checkpoint cannot be written, a source has failed. */
export class DaemonError extends EdgegradError {}

/** What may be wrong with a disk and not with a configuration. */
const DISK_PROBLEMS = ['EROFS', 'ENOSPC', 'EDQUOT', 'EIO'];

/**
 * One checkpoint file and the one before it, safe against a power cut at any moment: a file is written whole and
 * flushed before it takes its name, and the directory is flushed before a save counts.
 */
export class CheckpointStore {
  /** The checkpoint, and the one before it. */
  readonly file: string;
  readonly previous: string;

  constructor(
    directory: string,
    private readonly name: string,
  ) {
    this.file = join(directory, `${name}.safetensors`);
    this.previous = join(directory, `${name}.previous.safetensors`);
  }

  /**
   * Makes the directory and looks whether it can be written to, so that this is known before anything is learned.
   *
   * @throws SpecError where it cannot, DaemonError where the disk is full, read-only or failing: that may change
   */
  async prepare(): Promise<void> {
    const directory = dirname(this.file);
    try {
      await makeDirectory(resolve(directory));
      await access(directory, constants.W_OK | constants.X_OK);
    } catch (error) {
      if (DISK_PROBLEMS.includes((error as NodeJS.ErrnoException).code ?? '')) throw notWritten(this.file, error);
      throw new SpecError('CONFIG_STATE', {
        where: `checkpoint.directory ${directory}`,
        found: (error as Error).message,
        expected: 'a directory this user can write to',
        remedy: 'set checkpoint.directory, or give --state, to one',
      });
    }
  }

  /**
   * Keeps `bytes`. When this returns, they survive a power cut.
   *
   * @throws DaemonError where the disk refuses; the checkpoints already there are as they were
   */
  async save(bytes: Uint8Array): Promise<void> {
    const temporary = `${this.file}.new`;
    try {
      await makeDirectory(resolve(dirname(this.file)));
      await writeFlushed(temporary, bytes);
      if (await exists(this.file)) await this.keepPrevious();
      await rename(temporary, this.file);
      await flushDirectory(dirname(this.file));
    } catch (error) {
      throw notWritten(this.file, error);
    }
  }

  /** Gives the checkpoint its second name. It keeps the first, so that there is one under it at every moment. */
  private async keepPrevious(): Promise<void> {
    const temporary = `${this.previous}.new`;
    await rm(temporary, { force: true });
    // A disk without hard links, such as FAT, gets a copy.
    await link(this.file, temporary).catch(async () => writeFlushed(temporary, await readFile(this.file)));
    await rename(temporary, this.previous);
    // After a kill both names may already be one file: rename then leaves the temporary name.
    await rm(temporary, { force: true });
  }

  /** Whether it writes, or removes, a file of that name. */
  owns(file: string): boolean {
    return file === this.file || file === this.previous || this.isAside(file);
  }

  private isAside(file: string): boolean {
    const prefix = join(dirname(this.file), `${this.name}.drift-`);
    return file.startsWith(prefix) && /^\d+\.safetensors$/.test(file.slice(prefix.length));
  }

  /** Where a checkpoint that is kept aside after a drift goes, by how many rows it has seen. */
  asideFile(rows: number): string {
    return join(dirname(this.file), `${this.name}.drift-${rows}.safetensors`);
  }

  /**
   * Keeps a checkpoint aside, never gone on from by itself, and the latest `keep` of such.
   *
   * @throws DaemonError where the disk refuses
   */
  async saveAside(file: string, bytes: Uint8Array, keep: number): Promise<void> {
    try {
      await makeDirectory(resolve(dirname(file)));
      await writeFlushed(`${file}.new`, bytes);
      // The latest also where the clock has gone back.
      const [latest] = await this.aside();
      if (latest !== undefined && latest.timeMs >= Date.now()) {
        const seconds = (latest.timeMs + 1) / 1000;
        await utimes(`${file}.new`, seconds, seconds);
      }
      await rename(`${file}.new`, file);
      const others = (await this.aside()).filter((other) => other.file !== file);
      for (const old of others.slice(keep - 1)) await unlink(old.file);
      await flushDirectory(dirname(file));
    } catch (error) {
      throw notWritten(file, error);
    }
  }

  /** Checkpoints kept aside, the latest written first. */
  private async aside(): Promise<{ file: string; timeMs: number }[]> {
    const directory = dirname(this.file);
    const files = (await readdir(directory)).map((file) => join(directory, file)).filter((file) => this.isAside(file));
    const times = await Promise.all(files.map(async (file) => ({ file, timeMs: (await stat(file)).mtimeMs })));
    return times.sort((a, b) => b.timeMs - a.timeMs || rowsOf(b.file) - rowsOf(a.file));
  }

  /**
   * Hands the newest usable checkpoint to `use`: the last, or the one before it where the last is missing or refused.
   *
   * @param use throws CheckpointError to refuse one
   * @returns the file used, undefined where there is none, and why others were refused
   */
  async load(
    use: (bytes: Uint8Array, file: string) => void,
  ): Promise<{ used: string | undefined; refused: CheckpointError[] }> {
    const refused: CheckpointError[] = [];
    for (const file of [this.file, this.previous]) {
      if (!(await exists(file))) continue;
      try {
        use(await readFile(file), file);
        return { used: file, refused };
      } catch (error) {
        if (!(error instanceof CheckpointError)) throw error;
        refused.push(error);
      }
    }
    return { used: undefined, refused };
  }
}

const rowsOf = (file: string) => Number(/\.drift-(\d+)\./.exec(basename(file))?.[1]);

function notWritten(file: string, error: unknown): DaemonError {
  return new DaemonError('CHECKPOINT_WRITE', {
    where: file,
    found: (error as Error).message,
    expected: 'a directory that can be written to, with room for the file',
    remedy: 'set checkpoint.directory or --state to one',
  });
}

async function exists(file: string): Promise<boolean> {
  return access(file, constants.F_OK).then(
    () => true,
    () => false,
  );
}

async function writeFlushed(file: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(file, 'w');
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function flushDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
