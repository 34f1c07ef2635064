import type { TaskStatusMessage } from '../daemon/http/messages.js';
import type { TaskEvent } from '../daemon/task-status.js';
import { el, setText } from './dom.js';
import { bytes, duration, figures, moment, percent, whole } from './format.js';

const MOST_EVENTS = 100;

/** Rows of a table by name, made once and filled again and again. */
class Rows {
  readonly element = el('dl.counters');
  private readonly cells = new Map<string, HTMLElement>();

  set(name: string, value: string, isBad = false): void {
    let cell = this.cells.get(name);
    if (cell === undefined) {
      cell = el('dd');
      this.cells.set(name, cell);
      this.element.append(el('div', {}, el('dt', {}, name), cell));
    }
    setText(cell, value);
    cell.classList.toggle('bad', isBad);
  }
}

/** What has been counted; what should be nought and is not stands out. */
export class Counters {
  readonly element: HTMLElement;
  private readonly rows = new Rows();

  constructor() {
    this.element = el('section.card', {}, el('h2', {}, 'Counters'), this.rows.element);
  }

  update(status: TaskStatusMessage): void {
    const { report, lines, frames, link, checkpoint, recording } = status;
    const { rows } = this;
    const count = (name: string, value: number | undefined) => {
      if (value !== undefined) rows.set(name, whole(value));
    };
    const bad = (name: string, value: number | undefined) => {
      if (value !== undefined) rows.set(name, whole(value), value > 0);
    };
    count('rows', report.rows);
    count('learned', report.learned);
    count('scored', report.scored);
    const columns = Object.entries(report.quarantine)
      .filter(([, { range, step }]) => range + step > 0)
      .map(([name]) => name);
    rows.set(
      'quarantined',
      `${whole(report.quarantined)}${columns.length > 0 ? ` (${columns.join(', ')})` : ''}`,
      report.quarantined > 0,
    );
    bad('missing a feature', report.missing);
    if (frames.rxFrames > 0) {
      bad('lost', report.lost);
      bad('frames rejected', sumOf(frames, 'rejected'));
      count('labels', report.labels);
    } else {
      bad('lines rejected', sumOf(lines, 'rejected'));
      if (report.labels > 0) count('labels', report.labels);
    }
    bad('gaps', report.gaps);
    bad('reconnects', Math.max(0, (link.opens ?? 1) - 1));
    bad('steps skipped', report.skippedSteps);
    rows.set('received', bytes(link.rxBytes ?? 0));
    if ((link.rxOverflowBytes ?? 0) > 0) rows.set('dropped, too fast', bytes(link.rxOverflowBytes), true);
    rows.set(
      'checkpoint',
      checkpoint.problem ?? (checkpoint.ageS === null ? 'none yet' : `${duration(checkpoint.ageS)} ago`),
      checkpoint.problem !== null,
    );
    if (recording !== null) {
      rows.set(
        'recorded',
        recording.lostBytes > 0
          ? `${bytes(recording.bytesWritten)}, ${bytes(recording.lostBytes)} lost`
          : bytes(recording.bytesWritten),
        recording.lostBytes > 0,
      );
    }
    if (status.lagS !== null) rows.set('from device to learned', duration(status.lagS));
  }
}

function sumOf(counters: object, prefix: string): number {
  return Object.entries(counters as Record<string, number>)
    .filter(([name]) => name.startsWith(prefix))
    .reduce((sum, [, value]) => sum + value, 0);
}

/** Who is believed how much. */
export class RaceTable {
  readonly element: HTMLElement;
  private readonly body = el('tbody');
  private bars: {
    row: HTMLElement;
    bar: HTMLElement;
    rate: HTMLElement;
    weight: HTMLElement;
    loss: HTMLElement;
  }[] = [];

  constructor() {
    this.element = el(
      'section.card',
      {},
      el('h2', {}, 'Who is believed'),
      el(
        'table.race',
        {},
        el(
          'thead',
          {},
          el(
            'tr',
            {},
            el('th', { scope: 'col' }, 'learner, rate'),
            el('th.number', { scope: 'col', colspan: '2' }, 'weight'),
            el('th.number', { scope: 'col' }, 'loss'),
          ),
        ),
        this.body,
      ),
    );
  }

  update({ report: { learner } }: TaskStatusMessage): void {
    if (learner.kind !== 'race') {
      this.element.hidden = true;
      return;
    }
    if (this.bars.length === 0) {
      this.bars = learner.experts.map(({ kind }) => {
        const rate = el('small');
        const bar = el('i.bar');
        const weight = el('td.number');
        const loss = el('td.number');
        const name = kind === 'naive' ? 'last value' : kind;
        const row = el(
          'tr',
          {},
          el('th', { scope: 'row' }, name, rate),
          el('td.track', {}, el('div', {}, bar)),
          weight,
          loss,
        );
        this.body.append(row);
        return { row, bar, rate, weight, loss };
      });
    }
    const losses = figures(learner.experts.map((expert) => expert.loss));
    learner.experts.forEach((expert, k) => {
      const { row, bar, rate, weight, loss } = this.bars[k];
      setText(rate, expert.rate === null ? '' : ` ${expert.rate}`);
      row.classList.toggle('leader', k === learner.leader);
      bar.style.width = `${100 * expert.weight}%`;
      setText(weight, percent(expert.weight, 1));
      setText(loss, losses[k]);
    });
  }
}

/** The log of a task, the latest first. */
export class EventList {
  readonly element: HTMLElement;
  private readonly list = el('ol.events', { tabindex: '0', 'aria-label': 'Events, the latest first' });

  constructor(events: readonly TaskEvent[]) {
    this.element = el('section.card.log', {}, el('h2', {}, 'Events'), this.list);
    for (const event of events) this.add(event);
  }

  clear(): void {
    this.list.replaceChildren();
  }

  add({ timeMs, priority, text }: TaskEvent): void {
    const time = new Date(timeMs);
    this.list.prepend(
      el(
        `li.${priority}`,
        {},
        el('time', { datetime: time.toISOString(), title: time.toLocaleString('en-GB') }, moment(timeMs)),
        el('span', {}, ...(priority === 'error' || priority === 'warning' ? [el('b', {}, priority), ' '] : []), text),
      ),
    );
    while (this.list.children.length > MOST_EVENTS) this.list.lastElementChild?.remove();
  }
}
