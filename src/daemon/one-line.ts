/** What could move the cursor, end a line or turn the direction of a text around. */
const UNSEEN = /[\p{Cc}\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]+/gu;

/**
 * A message as one line for terminals and logs: names, firmware and lines of a device are quoted in it, and none of them can
 * forge a line or send a terminal a command.
 */
export const oneLine = (text: string): string => text.replace(UNSEEN, ' ').trimEnd();
