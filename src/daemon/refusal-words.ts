// Words alone: the page is built from them too.

/** Reasons in words for a person: "4 with a field that is no number". */
const WORDS: Readonly<Record<string, string>> = {
  tooLong: 'too long',
  checksum: 'with a wrong checksum',
  fieldCount: 'with another number of fields',
  labels: 'with other labels',
  notNumeric: 'with a field that is no number',
  range: 'with a number too large',
  columns: 'without a column that is needed',
  noFormat: 'of no form that is known',
};

/** A reason as a person reads it. */
export const wordsOf = (reason: string): string => WORDS[reason] ?? reason;

/** How many lines of each reason there are, in words: "4 with a field that is no number, 1 too long". */
export function reasonsIn(reasons: readonly { reason: string; count: number }[]): string {
  return reasons.map(({ reason, count }) => `${count} ${wordsOf(reason)}`).join(', ');
}
