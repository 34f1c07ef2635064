import type { TaskStatusMessage } from '../daemon/http/messages.js';
import { reasonsIn, wordsOf } from '../daemon/refusal-words.js';
import { el, setText } from './dom.js';
import { duration, figure } from './format.js';

/** A line as it came, and what became of it. */
type Line = TaskStatusMessage['latestLines'][number];

/** What verdicts are called that are no refusals. */
const VERDICTS: Readonly<Record<string, string>> = {
  row: 'row',
  header: 'names',
  comment: 'comment',
  undecided: 'no form yet',
};

/** The latest lines of a device with what became of each, why lines are refused, and what was quarantined last. */
export class LinesPanel {
  readonly element: HTMLElement;
  private readonly summary = el('p.refusing', { role: 'status' });
  private readonly quarantined = el('p.quarantined');
  private readonly list = el('ol.lines', { tabindex: '0', 'aria-label': 'Lines of the device, the latest last' });
  private shown = '';

  constructor(private readonly columns: readonly { name: string; unit: string }[]) {
    this.element = el(
      'section.card.device',
      {},
      el('h2', {}, 'Lines of the device'),
      this.summary,
      this.quarantined,
      this.list,
    );
    this.element.hidden = true;
  }

  update({ latestLines, refusals, lastQuarantined, frames }: TaskStatusMessage): void {
    this.element.hidden = latestLines.length === 0 && lastQuarantined === null;
    const { isRefusing, refusedSince, rowsSince, sinceS, reasons, undecided } = refusals;
    const [first] = reasons;
    const count = reasons.filter(({ reason }) => reason !== 'noFormat');
    if (isRefusing) {
      const of = rowsSince === 0 ? 'none is a row' : `${rowsSince} are rows`;
      const why = first === undefined ? '' : `: ${reasonsIn(reasons)}`;
      const advice = first?.advice ?? 'edgegrad init finds how such lines are read';
      setText(
        this.summary,
        `${refusedSince} lines refused in ${duration(sinceS)}, ${of}${why}. What helps: ${sentence(advice)}`,
      );
    } else if (undecided > 0) {
      setText(this.summary, `${undecided} lines have come; how rows look is not certain yet.`);
    } else setText(this.summary, count.length === 0 ? '' : `Refused since it began: ${reasonsIn(count)}.`);
    this.summary.hidden = this.summary.textContent === '';
    this.element.dataset.tone = isRefusing ? 'bad' : '';

    setText(this.quarantined, lastQuarantined === null ? '' : `Quarantined last: ${this.whyOf(lastQuarantined)}.`);
    this.quarantined.hidden = lastQuarantined === null;

    this.list.hidden = frames.rxFrames > 0 || latestLines.length === 0;
    const now = JSON.stringify(latestLines);
    if (now === this.shown) return;
    this.shown = now;
    this.list.replaceChildren(...latestLines.map(lineOf));
  }

  /** Which limit a value passed. */
  private whyOf({ column, value, reason, limit }: NonNullable<TaskStatusMessage['lastQuarantined']>): string {
    const unit = this.columns.find(({ name }) => name === column)?.unit ?? '';
    const is = `${column} was ${figure(value, unit)}`;
    // JSON has no NaN: a class that is no whole number passes no limit.
    if (limit === null || Number.isNaN(limit)) return `${is}, which is no class`;
    if (reason === 'step') return `${is}, more than ${figure(limit, unit)} from the row before`;
    return `${is}, ${value > limit ? 'above' : 'below'} ${figure(limit, unit)}`;
  }
}

function lineOf({ text, wrong, verdict }: Line): HTMLElement {
  const known = VERDICTS[verdict];
  const code = el('code');
  if (wrong === null) code.append(text);
  else code.append(text.slice(0, wrong[0]), el('mark', {}, text.slice(...wrong)), text.slice(wrong[1]));
  return el(`li.${known === undefined ? 'refused' : verdict}`, {}, code, el('span', {}, known ?? wordsOf(verdict)));
}

const sentence = (text: string): string => `${text}${/[.?]$/.test(text) ? '' : '.'}`;
