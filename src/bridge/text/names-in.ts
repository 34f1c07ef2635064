import type { TextFormat } from '../format.js';
import { formOf, isPlain } from './forms.js';

/** Most names taken: a device that makes up new ones has no columns. */
const MOST_NAMES = 256;

/**
 * The names of a format, in the order they come: those it has, or those its lines carry in `text`. `isText`: the first value
 * there is a word.
 */
export function namesIn(format: TextFormat, text: string): { name: string; isText: boolean }[] {
  if (format.names !== null || isPlain(format)) return (format.names ?? []).map((name) => ({ name, isText: false }));
  const found = new Map<string, boolean>();
  const form = formOf(format);
  const { fields } = form;
  const emit = () => {
    for (let i = 0; i < fields.count; i++) {
      const name = fields.names[i];
      if (name === '' || found.has(name) || found.size >= MOST_NAMES) continue;
      const value = fields.values[i];
      found.set(name, typeof value === 'string' && !/\d/.test(value));
    }
  };
  for (const line of text.split(/\r\n|\n\r|\n|\r/)) form.line(line, emit);
  form.finish(emit);
  return Array.from(found, ([name, isText]) => ({ name, isText }));
}
