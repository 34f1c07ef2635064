/** What one look at the machine came to. */
export interface Finding {
  /** What was looked at: `clock`. */
  check: string;
  level: 'ok' | 'warning' | 'problem';
  /** What was found, in one line. */
  text: string;
  /** What to do about it. */
  remedy?: string;
}

export const ok = (check: string, text: string): Finding => ({ check, level: 'ok', text });
export const warning = (check: string, text: string, remedy: string): Finding => ({
  check,
  level: 'warning',
  text,
  remedy,
});
export const problem = (check: string, text: string, remedy: string): Finding => ({
  check,
  level: 'problem',
  text,
  remedy,
});
