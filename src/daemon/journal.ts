import { fstatSync } from 'node:fs';

/** How much a line of the log matters, by its name in syslog. */
export type Priority = 'error' | 'warning' | 'notice' | 'info';

const LEVELS: Record<Priority, number> = { error: 3, warning: 4, notice: 5, info: 6 };

/** Whether what is written to descriptor `fd` goes straight to the journal, which JOURNAL_STREAM names as device:inode. */
export function isJournal(fd: number, env: NodeJS.ProcessEnv = process.env): boolean {
  if (env.JOURNAL_STREAM === undefined) return false;
  try {
    const { dev, ino } = fstatSync(fd, { bigint: true });
    return env.JOURNAL_STREAM === `${dev}:${ino}`;
  } catch {
    return false;
  }
}

/** `text` as the journal takes it: each of its lines begins with its priority, `<4>`, which the journal takes off. */
export function withPriority(text: string, priority: Priority): string {
  return text.replace(/^(?=.)/gm, `<${LEVELS[priority]}>`);
}
