import type uPlot from 'uplot';
import type { RowsMessage, TaskMessage, TaskStatusMessage } from '../daemon/http/messages.js';
import type { TaskEvent } from '../daemon/task-status.js';
import { Chart, classFormat, type Line, type Palette, percentFormat } from './charts.js';
import { Controls } from './controls.js';
import { el, setText } from './dom.js';
import { duration, figure, percent, whole } from './format.js';
import { LinesPanel } from './lines.js';
import { ErrorSeries, RowSeries } from './series.js';
import { type State, stateOf } from './state.js';
import { Counters, EventList, RaceTable } from './tables.js';

/** Seconds of rows that can be shown. */
const SPANS: [seconds: number, label: string][] = [
  [30, '30 s'],
  [120, '2 min'],
  [600, '10 min'],
];

/** Seconds shown at least, where there are fewer yet. */
const LEAST_SPAN_S = 5;

/** A big number with what it is. */
class Tile {
  readonly element: HTMLElement;
  private readonly value = el('strong');
  private readonly note = el('small');
  private readonly label: HTMLElement;

  constructor(label: string) {
    this.label = el('span', {}, label);
    this.element = el('div.tile', {}, this.label, this.value, this.note);
  }

  rename(label: string): void {
    setText(this.label, label);
  }

  set(value: string, note: string, tone: '' | 'good' | 'bad' = ''): void {
    setText(this.value, value);
    setText(this.note, note);
    this.element.dataset.tone = tone;
  }
}

/** Everything about one task. */
export class TaskView {
  readonly element: HTMLElement;
  /** How it is now. */
  state: State;
  private readonly rows: RowSeries;
  private readonly errors = new ErrorSeries();
  private readonly predictions: { chart: Chart; data: uPlot.AlignedData }[] = [];
  private readonly columns: { chart: Chart; data: uPlot.AlignedData }[] = [];
  private readonly errorChart: Chart;
  private readonly controls: Controls;
  private readonly counters = new Counters();
  private readonly race = new RaceTable();
  private readonly lines: LinesPanel;
  private readonly events: EventList;
  private readonly source = el('span.source');
  private readonly chip = el('span.chip');
  private readonly tiles: Record<'error' | 'better' | 'rows' | 'step', Tile>;
  private readonly plan = el('pre', { tabindex: '0', role: 'region', 'aria-label': 'Plan of the network' });
  private baselineName: string;
  private spanS = SPANS[0][0];
  /** Whether somebody has chosen it; before, it follows how fast rows come. */
  private isChosen = false;
  private readonly spans = el('div.spans', { role: 'group', 'aria-label': 'Time shown' });

  constructor(
    private readonly task: TaskMessage,
    palette: Palette,
  ) {
    const { columns, outputs, truths, window, status } = task;
    const width = columns.length + outputs.length * (task.hasIntervals ? 3 : 1);
    this.rows = new RowSeries(width, truths.length * (task.hasIntervals ? 5 : 3));
    this.rows.addPast(task.past);
    this.errors.goOn(task.errors);

    this.makePredictions(palette);
    columns.forEach(({ name, unit, classes }, i) => {
      const line: Line = { label: name, color: ({ ink }) => ink, width: 1.25 };
      if (classes > 0) line.format = classFormat;
      const options = { title: name, empty: 'no rows yet', unit, lines: [line], height: 56, isSmall: true };
      const chart = new Chart(options, palette);
      this.columns.push({ chart, data: [this.rows.time, this.rows.values[i]] as uPlot.AlignedData });
    });
    const { format, title } = this.errorWords();
    const isAnomaly = task.kind === 'anomaly';
    this.errorChart = new Chart(
      {
        title,
        empty: 'nothing scored yet',
        heading: 'h2',
        unit: task.errorUnit,
        lines: [
          { label: 'model', color: ({ model }) => model, width: 2, format },
          { label: status.baselineName, color: ({ baseline }) => baseline, dash: [5, 4], format },
        ],
        height: 170,
        range: [0, null],
        isFilled: true,
      },
      palette,
    );
    this.controls = new Controls(task);
    this.events = new EventList(task.events);
    this.lines = new LinesPanel(columns);
    this.tiles = {
      error: new Tile(isAnomaly ? 'how unusual' : `${task.errorName}, last ${whole(window)} rows`),
      better: new Tile(isAnomaly ? 'alarms' : `against ${status.baselineName}`),
      rows: new Tile('rows'),
      step: new Tile('time for a row'),
    };
    this.element = this.layout();
    this.state = stateOf(status);
    this.baselineName = status.baselineName;
    this.plan.textContent = task.plan;
    this.update(status);
  }

  /** Whether it shows this task; it may go on with it then. */
  isOf(task: TaskMessage): boolean {
    return identityOf(task) === identityOf(this.task);
  }

  /**
   * Goes on after the page was away for a while: what is drawn, chosen and filled in stays.
   *
   * @param isSame whether the process is still the same one
   * @param timeMs what its clock shows
   */
  goOn(task: TaskMessage, isSame: boolean, timeMs: number): void {
    // Another process, with the clock set back in between: what was before has no place any more.
    if (!isSame && timeMs / 1000 < (this.rows.time.at(-1) ?? 0)) {
      this.rows.clear();
      this.errors.clear();
    }
    this.rows.goOn(task.past, isSame);
    this.errors.goOn(task.errors);
    if (isSame) this.events.clear();
    for (const event of task.events) this.events.add(event);
    setText(this.plan, task.plan);
    this.update(task.status);
  }

  /** The clock of the process was set by so many seconds. */
  shift(seconds: number): void {
    this.rows.shift(seconds);
    this.errors.shift(seconds);
  }

  /** As big a place as there is on a phone too: what matters most comes first. */
  private layout(): HTMLElement {
    const { task, controls, tiles } = this;
    for (const [seconds, label] of SPANS) {
      const click = () => {
        this.isChosen = true;
        this.setSpan(seconds);
      };
      this.spans.append(el('button', { type: 'button', click }, label));
    }
    return el(
      'main',
      { id: 'task', tabindex: '-1' },
      el('header.task', {}, el('div.title', {}, el('h1', {}, task.name), this.chip, this.source), controls.buttons),
      el('div.tiles', {}, ...Object.values(tiles).map(({ element }) => element)),
      el(
        'div.columns',
        {},
        el(
          'div.wide',
          {},
          el(
            'section.card.predictions',
            {},
            el(
              'header.over',
              {},
              el('h2', {}, task.truths.length > 0 ? 'Prediction against truth' : 'How unusual rows are'),
              this.spans,
            ),
            ...this.predictions.map(({ chart }) => chart.element),
          ),
          // An anomaly has no truth, so no error: its score is drawn above.
          ...(task.kind === 'anomaly' ? [] : [el('section.card', {}, this.errorChart.element)]),
          el(
            'section.card',
            {},
            el('h2', {}, 'Columns'),
            el('div.smalls', {}, ...this.columns.map(({ chart }) => chart.element)),
          ),
          this.lines.element,
          this.events.element,
          el('details.card.plan', {}, el('summary', {}, el('h2', {}, 'Plan of the network')), this.plan),
        ),
        el(
          'div.narrow',
          {},
          ...(controls.labels === null ? [] : [controls.labels]),
          this.race.element,
          this.counters.element,
        ),
      ),
    );
  }

  private setSpan(seconds: number): void {
    this.spanS = seconds;
    SPANS.forEach(([each], i) => {
      this.spans.children[i].setAttribute('aria-pressed', String(each === seconds));
    });
  }

  private makePredictions(palette: Palette): void {
    const { kind, truths } = this.task;
    if (kind === 'classify') this.makeClasses(palette);
    else if (truths.length === 0) this.makeScore(palette);
    else this.makeNumbers(palette);
  }

  /** Probabilities of classes, and which one was the truth. */
  private makeClasses(palette: Palette): void {
    const { columns, outputs, truths } = this.task;
    const { rows } = this;
    const colorOf = ({ classes }: Palette, c: number) => classes[c % classes.length];
    const lines = outputs.map(
      ({ name }, c): Line => ({
        label: name.slice(name.lastIndexOf('.') + 1),
        color: (colours) => colorOf(colours, c),
        // There are more classes than colours.
        ...(c < palette.classes.length ? {} : { dash: [4, 3] }),
        format: percentFormat,
      }),
    );
    const strip: Line = {
      label: 'truth',
      color: ({ truth }) => truth,
      kind: 'strip',
      stripColor: (colours, data, at) => {
        const truth = data[outputs.length + 1][at] ?? null;
        return truth === null ? null : colorOf(colours, truth);
      },
      format: classFormat,
    };
    const title = `${truths[0]?.name ?? 'class'}: probability of each class`;
    const options = { title, empty: 'no rows yet', unit: '', lines: [...lines, strip], height: 220 };
    this.predictions.push({
      chart: new Chart({ ...options, range: [0, 1] }, palette),
      data: [rows.time, ...outputs.map((_, c) => rows.values[columns.length + c]), rows.scored[0]] as uPlot.AlignedData,
    });
  }

  /** What has no truth: the score of an anomaly, and the threshold of its alarm. */
  private makeScore(palette: Palette): void {
    const { columns, outputs } = this.task;
    const { rows } = this;
    const lines = outputs.map(
      ({ name }, k): Line =>
        k === 0
          ? { label: name, color: ({ model }) => model }
          : { label: name, color: ({ baseline }) => baseline, dash: [5, 4] },
    );
    const scores = outputs.map((_, k) => rows.values[columns.length + k]);
    lines.push({
      label: '',
      color: ({ bad }) => bad,
      kind: 'strip',
      // Before there is a threshold it is 0.
      stripColor: ({ bad }, [, score, threshold], at) => ((score[at] ?? 0) > (threshold[at] || Infinity) ? bad : null),
    });
    const options = {
      title: 'Score against the threshold of the alarm',
      empty: 'no rows yet',
      unit: '',
      lines,
      height: 240,
    };
    this.predictions.push({
      chart: new Chart({ ...options, range: [0, null] }, palette),
      data: [rows.time, ...scores, scores[0]] as uPlot.AlignedData,
    });
  }

  /** One chart an output. A forecast is drawn at the row it was of, once that has come. */
  private makeNumbers(palette: Palette): void {
    const { columns, outputs, hasIntervals, isForecast } = this.task;
    const { time, values, scored } = this.rows;
    const n = outputs.length;
    outputs.forEach(({ name, unit }, k) => {
      const lines: Line[] = [
        { label: 'truth', color: ({ truth }) => truth, width: 3 },
        { label: isForecast ? 'forecast' : 'predicted', color: ({ model }) => model, width: 1.75 },
      ];
      const data = [time, scored[k], isForecast ? scored[n + k] : values[columns.length + k]];
      if (hasIntervals) {
        lines.push({ label: 'to', color: ({ model }) => model, kind: 'edge' });
        lines.push({ label: 'from', color: ({ model }) => model, kind: 'edge' });
        const [lower, upper] = isForecast
          ? [scored[3 * n + k], scored[4 * n + k]]
          : [values[columns.length + n + k], values[columns.length + 2 * n + k]];
        data.push(upper, lower);
      }
      const [, of = name, ahead] = /^(.*)\+(\d+)$/.exec(isForecast ? name : '') ?? [];
      const title = ahead === undefined ? name : `${of}, ${ahead} ${ahead === '1' ? 'row' : 'rows'} ahead`;
      const options = { title, empty: 'no rows yet', unit, lines, height: n > 1 ? 180 : 240 };
      const band = { band: [2, 3] as [number, number] };
      this.predictions.push({
        chart: new Chart(hasIntervals ? { ...options, ...band } : options, palette),
        data: data as uPlot.AlignedData,
      });
    });
  }

  private errorWords(): { title: string; format: (value: number | null | undefined) => string } {
    const { errorName, errorUnit, window } = this.task;
    const title = `${errorName === 'wrong' ? 'Wrong classes' : 'Error'} over the last ${whole(window)} rows`;
    return {
      title,
      format: errorName === 'wrong' ? percentFormat : (value) => figure(value, errorUnit),
    };
  }

  /** @param timeMs when they had come, by the clock of the process */
  takeRows({ rows, scored, windowError }: RowsMessage, timeMs: number): void {
    this.rows.addRows(timeMs, rows);
    this.rows.addScored(scored);
    const latest = rows.at(-1)?.[0];
    if (latest) this.controls.follow(latest);
    this.errors.add(timeMs, windowError.model, windowError.baseline);
    this.updateError(windowError.model, windowError.baseline);
  }

  takeEvent(event: TaskEvent): void {
    this.events.add(event);
  }

  update(status: TaskStatusMessage): void {
    const { tiles } = this;
    const { report, rowsPerSecond, stepS, lastRowAgeS } = status;
    setText(this.source, status.source === '' ? 'begins' : status.source);
    this.state = stateOf(status);
    setText(this.chip, this.state.text);
    this.chip.dataset.tone = this.state.tone;
    this.baselineName = status.baselineName;
    this.errorChart.rename(1, status.baselineName);
    if (report.kind !== 'anomaly') tiles.better.rename(`against ${status.baselineName}`);
    this.updateError(status.windowError.model, status.windowError.baseline);
    if (report.kind === 'anomaly') {
      const { alarms, isInAlarm, column } = report.metrics;
      tiles.better.set(whole(alarms), isInAlarm ? `now, by ${column}` : 'none now', isInAlarm ? 'bad' : '');
    }
    const speed = `${rowsPerSecond < 10 ? rowsPerSecond.toFixed(1) : whole(rowsPerSecond)} a second`;
    const isLate = lastRowAgeS !== null && (lastRowAgeS > 10 || !status.isConnected);
    tiles.rows.set(
      whole(report.rows),
      lastRowAgeS === null ? 'none since it began' : isLate ? `the last one ${duration(lastRowAgeS)} ago` : speed,
      isLate ? 'bad' : '',
    );
    tiles.step.set(duration(stepS), 'from bytes to learned');
    if (!this.isChosen) this.setSpan(SPANS[rowsPerSecond >= 5 ? 0 : rowsPerSecond >= 0.5 ? 1 : 2][0]);
    this.counters.update(status);
    this.race.update(status);
    this.lines.update(status);
    this.controls.update(status);
  }

  private updateError(model: number | null, baseline: number | null): void {
    const { tiles, task } = this;
    const { format } = this.errorWords();
    tiles.error.set(format(model), model === null ? 'nothing scored yet' : `${this.baselineName} ${format(baseline)}`);
    if (task.kind === 'anomaly') return;
    if (model === null || baseline === null || baseline === 0) {
      tiles.better.set('–', model === null ? '' : 'the baseline was never wrong');
      return;
    }
    const share = 1 - model / baseline;
    const [note, tone] =
      share > 0
        ? (['less error', 'good'] as const)
        : share === 0
          ? (['no better', ''] as const)
          : (['more error', 'bad'] as const);
    tiles.better.set(percent(Math.abs(share)), note, tone);
  }

  /** @param now of the process, seconds since 1970 */
  draw(now: number): void {
    // What is not there yet takes no room.
    const first = Math.max(this.rows.time[0] ?? now, now - this.spanS);
    const span: [number, number] = [Math.min(first, now - LEAST_SPAN_S), now];
    for (const { chart, data } of [...this.predictions, ...this.columns]) chart.show(data, span);
    const { time, model, baseline } = this.errors;
    const from = time[0] ?? now;
    this.errorChart.show([time, model, baseline] as uPlot.AlignedData, [Math.min(from, now - LEAST_SPAN_S), now]);
  }

  repaint(palette: Palette): void {
    for (const { chart } of [...this.predictions, ...this.columns]) chart.repaint(palette);
    this.errorChart.repaint(palette);
  }
}

/** What of a task decides how it is shown. */
function identityOf({ plan, status, events, past, errors, ...identity }: TaskMessage): string {
  return JSON.stringify(identity);
}
