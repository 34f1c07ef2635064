import { mkdir, readdir, stat, statfs, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Names and sizes of the files one recorder keeps in a directory. */
export class SegmentFolder {
  private readonly pattern: RegExp;

  constructor(
    readonly directory: string,
    readonly name: string,
  ) {
    this.pattern = segmentPattern(name);
  }

  /** Paths of all files of this name, oldest first. */
  async files(): Promise<string[]> {
    const names = await readdir(this.directory).catch(() => []);
    return names
      .filter((file) => this.pattern.test(file))
      .sort()
      .map((file) => join(this.directory, file));
  }

  /**
   * A path that sorts behind all that are there, also where the clock has gone back: a Pi without a network starts
   * years in the past.
   */
  async nextPath(now: Date): Promise<string> {
    const last = this.pattern.exec((await this.files()).at(-1)?.slice(this.directory.length + 1) ?? '');
    const stamp = stampOf(now);
    const [, lastStamp = '', lastNumber = ''] = last ?? [];
    if (stamp > lastStamp) return this.path(stamp, 0);
    const number = Number(lastNumber) + 1;
    return number <= 9999 ? this.path(lastStamp, number) : this.path(stampOf(new Date(timeOf(lastStamp) + 1000)), 0);
  }

  /**
   * Removes the oldest files until those that are left take at most `maxBytes`, and `minFreeBytes` of the disk are free.
   *
   * @param keep a file that is not removed, being written
   * @returns the files removed, and whether that was enough
   */
  async makeRoom(
    maxBytes: number,
    minFreeBytes: number,
    keep: string | undefined,
  ): Promise<{ removed: string[]; isEnough: boolean }> {
    const removed: string[] = [];
    const files = await this.files();
    const sizes = await Promise.all(files.map((file) => sizeOf(file)));
    let total = sizes.reduce((sum, size) => sum + size, 0);
    for (let i = 0; ; i++) {
      const isFree = (await freeBytes(this.directory)) >= minFreeBytes;
      if (total <= maxBytes && isFree) return { removed, isEnough: true };
      while (i < files.length && files[i] === keep) i++;
      if (i >= files.length) return { removed, isEnough: isFree };
      try {
        await unlink(files[i]);
        removed.push(files[i]);
        total -= sizes[i];
      } catch {
        // Gone already, or not ours to remove: the next one.
      }
    }
  }

  private path(stamp: string, number: number): string {
    return join(this.directory, `${this.name}-${stamp}-${String(number).padStart(4, '0')}.mcap`);
  }
}

/** Matches the files of a recorder's name; groups: time, number. */
function segmentPattern(name: string): RegExp {
  return new RegExp(`^${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}-(\\d{8}T\\d{6}Z)-(\\d{4})\\.mcap$`);
}

/** The recorder's name in a file's name; undefined where it is not of that form. */
export function recorderOf(file: string): string | undefined {
  return /^(.+)-\d{8}T\d{6}Z-\d{4}\.mcap$/.exec(file)?.[1];
}

function stampOf(time: Date): string {
  return `${time.toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
}

function timeOf(stamp: string): number {
  return Date.parse(stamp.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'));
}

async function sizeOf(file: string): Promise<number> {
  return stat(file).then(
    ({ size }) => size,
    () => 0,
  );
}

/** Bytes a user may still write; Infinity where the system does not say. */
async function freeBytes(directory: string): Promise<number> {
  return statfs(directory).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => Infinity,
  );
}

/** Makes a directory with its parents; does nothing where it is. (mkdir's own `recursive` never returns below /proc.) */
export async function makeDirectory(directory: string): Promise<void> {
  if (await isThere(directory)) return;
  await makeDirectory(dirname(directory));
  try {
    await mkdir(directory);
  } catch (error) {
    // Another task may have made it meanwhile.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
