const utf8 = new TextDecoder('utf-8', { fatal: true });
const windows1252 = new TextDecoder('windows-1252');

/** The text of `bytes[start, end)`: UTF-8, or Windows-1252 where it is no UTF-8. */
export function bytesText(bytes: Uint8Array, start: number, end: number): string {
  const view = bytes.subarray(start, end);
  try {
    return utf8.decode(view);
  } catch {
    return windows1252.decode(view);
  }
}

/** One character a byte. */
export function latin1Text(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let p = start; p < end; p++) text += String.fromCharCode(bytes[p]);
  return text;
}

/** How many bytes of a mark of byte order a line begins with: UTF-8's, or UTF-16's, whose NUL bytes are taken out elsewhere. */
export function orderMark(bytes: Uint8Array, start: number, end: number): number {
  if (end - start >= 3 && bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf) return 3;
  if (end - start < 2) return 0;
  const isMark =
    (bytes[start] === 0xff && bytes[start + 1] === 0xfe) || (bytes[start] === 0xfe && bytes[start + 1] === 0xff);
  return isMark ? 2 : 0;
}

/** Whether bytes are no text: many control bytes, or many bytes above 127 that are no UTF-8. */
export function isNoise(bytes: Uint8Array, start: number, end: number): boolean {
  let high = 0;
  let control = 0;
  for (let p = start; p < end; p++) {
    if (bytes[p] >= 0x80) high++;
    else if ((bytes[p] < 0x20 && bytes[p] !== 0x09) || bytes[p] === 0x7f) control++;
  }
  const length = end - start;
  if (control > 0.1 * length) return true;
  if (high <= 0.3 * length) return false;
  try {
    utf8.decode(bytes.subarray(start, end));
    return false;
  } catch {
    return true;
  }
}

/** Whether a line that begins with `#` is a comment: `#N/A,49.9` is a row of a spreadsheet. */
export function isComment(bytes: Uint8Array, start: number, end: number): boolean {
  return !/^#(N\/A|NA|NUM!|VALUE!|DIV\/0!|REF!)\b/i.test(bytesText(bytes, start, Math.min(end, start + 8)));
}
