import type { Column, Task } from '../spec/index.js';
import type { IntervalReport, QuantileReport, StreamReport } from '../stream/index.js';

/** What the naive forecasts are called. */
const BASELINE_LABELS = { noChange: 'no change', line: 'line' };

const BARS = '▁▂▃▄▅▆▇█';

/** Model and baseline beside each other, by the measure of the task: an error that falls or an accuracy that rises. */
export interface Score {
  readonly label: string;
  readonly unit: string;
  readonly model: number | null;
  readonly baselineLabel: string;
  readonly baseline: number | null;
  /** Of the last window; null before the first scored row. */
  readonly windowModel: number | null;
  readonly windowBaseline: number | null;
  /** Skill, or kappa against the last class: 1 is perfect, 0 no better than the baseline. */
  readonly skillLabel: string;
  readonly skill: number | null;
}

/** The figures a person looks at first. */
export function scoreOf(report: StreamReport, unit: string): Score {
  if (report.kind === 'anomaly') {
    const { score, threshold } = report.metrics;
    return {
      label: 'score',
      unit: '',
      model: score,
      baselineLabel: 'threshold',
      baseline: threshold,
      windowModel: score,
      windowBaseline: threshold,
      skillLabel: 'skill',
      skill: null,
    };
  }
  if (report.kind !== 'classify') {
    const { metrics, baseline, window } = report;
    return {
      label: 'error',
      unit,
      model: metrics.mae,
      baselineLabel: report.kind === 'forecast' ? BASELINE_LABELS[report.baseline.kind] : 'last value',
      baseline: baseline.mae,
      windowModel: window.current?.mae ?? null,
      windowBaseline: window.current?.baselineMae ?? null,
      skillLabel: 'skill',
      skill: metrics.skill,
    };
  }
  const { metrics, baseline, window } = report;
  return {
    label: 'accuracy',
    unit: '',
    model: metrics.accuracy,
    baselineLabel: 'last class',
    baseline: baseline.accuracy,
    windowModel: window.current?.accuracy ?? null,
    windowBaseline: window.current?.baselineAccuracy ?? null,
    skillLabel: 'kappa against last class',
    skill: metrics.kappaLastClass,
  };
}

/** Three significant digits, or a dash where there is no figure. */
export function figure(value: number | null, unit = ''): string {
  if (value === null || Number.isNaN(value)) return '–';
  const digits = value === 0 ? 2 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return `${value.toFixed(Math.min(digits, 6))}${unit === '' ? '' : ` ${unit}`}`;
}

/** Values as a row of bars from 0 to the largest, `width` at most: each the mean of its share. */
export function sparkline(values: readonly number[], width: number): string {
  if (values.length === 0) return '';
  const columns = Math.min(width, values.length);
  const means = Array.from({ length: columns }, (_, i) => {
    const share = values.slice(
      Math.floor((i * values.length) / columns),
      Math.floor(((i + 1) * values.length) / columns),
    );
    return share.reduce((sum, value) => sum + value, 0) / share.length;
  });
  const top = Math.max(...means, Number.MIN_VALUE);
  return means.map((mean) => BARS[Math.min(7, Math.floor((8 * mean) / top))]).join('');
}

/** The line of a running stream, at most `width` characters where a terminal has that many. */
export function statusLine(
  name: string,
  report: StreamReport,
  score: Score,
  rowsPerSecond: number,
  trend: readonly number[],
  width: number,
  counted: readonly string[] = [],
): string {
  const { unit } = score;
  const parts = [
    name,
    `row ${report.rows}`,
    `${rowsPerSecond < 10 ? rowsPerSecond.toFixed(1) : Math.round(rowsPerSecond)}/s`,
    `${score.label} ${figure(score.windowModel, unit)}`,
    `${score.baselineLabel} ${figure(score.windowBaseline, unit)}`,
  ];
  if (report.kind === 'anomaly') {
    const { alarms, isInAlarm, column } = report.metrics;
    parts.push(isInAlarm ? `ALARM ${column}` : `alarms ${alarms}`);
  }
  if (report.quarantined > 0) parts.push(`quarantined ${report.quarantined}`);
  const drifts = report.drift.reduce((sum, { detections }) => sum + detections, 0);
  if (drifts > 0) parts.push(`drifts ${drifts}`);
  const text = [...parts, ...counted].join('  ');
  const room = width - text.length - 2;
  return room >= 8 ? `${text}  ${sparkline(trend, Math.min(room, 24))}` : text.slice(0, width);
}

/** What a run or replay comes to, in a few lines. */
export function summary(report: StreamReport, score: Score, rejectedLines: number): string {
  const better =
    score.skill === null
      ? ''
      : `   ${score.skillLabel} ${figure(score.skill)}${score.skill <= 0 ? ': no better than the baseline' : ''}`;
  const rows = report.kind === 'anomaly' ? alarmRows(report) : scoreRows(report, score);
  const widths = [0, 1, 2].map((j) => Math.max(...rows.map((row) => row[j].length)));
  const lines = rows.map((row, i) =>
    `  ${row[0].padEnd(widths[0])}  ${row[1].padStart(widths[1])}  ${row[2].padStart(widths[2])}${i === 1 ? better : ''}`.trimEnd(),
  );
  if (report.kind !== 'classify' && report.kind !== 'anomaly' && report.interval !== null) {
    lines.push(intervalLine(report.interval, score));
  }
  if (report.kind === 'regress' && report.quantiles !== undefined) {
    lines.push(...quantileLines(report.quantiles, score));
  }
  lines.push(
    `  rows ${report.rows}, quarantined ${report.quarantined}, missing ${report.missing}, gaps ${report.gaps}, lines rejected ${rejectedLines}${report.lost > 0 ? `, lost ${report.lost}` : ''}`,
  );
  for (const { on, detector, detections, lastRow } of report.drift) {
    const what = on === 'loss' ? 'the loss' : on;
    const last = lastRow === null ? '' : `, last at row ${lastRow}`;
    lines.push(`  drift of ${what} (${detector}): ${detections}${last}`);
  }
  return lines.join('\n');
}

/** What a table says of scores: the model's beside the baseline's. */
function scoreRows(report: Exclude<StreamReport, { kind: 'anomaly' }>, score: Score): string[][] {
  const { unit } = score;
  const rows = [
    ['', report.learner.kind, score.baselineLabel],
    [`${score.label}, ${report.scored} rows`, figure(score.model, unit), figure(score.baseline, unit)],
    [
      `${score.label}, last ${report.window.current?.scored ?? 0}`,
      figure(score.windowModel, unit),
      figure(score.windowBaseline, unit),
    ],
  ];
  if (report.kind !== 'classify') {
    const { metrics, baseline, window } = report;
    if (window.worst !== null) {
      const { mae, baselineMae, scored } = window.worst;
      rows.push([`${score.label}, worst ${scored}`, figure(mae, unit), figure(baselineMae, unit)]);
    }
    rows.push(['rmse', figure(metrics.rmse, unit), figure(baseline.rmse, unit)]);
    rows.push(['R²', figure(metrics.r2), figure(baseline.r2)]);
    if (report.kind === 'forecast' && report.horizons.length > 1) {
      for (const { horizon, metrics: own, baseline: naive } of report.horizons) {
        const other = naive.kind === report.baseline.kind ? '' : `, ${BASELINE_LABELS[naive.kind]}`;
        rows.push([
          `${horizon} ${horizon === 1 ? 'row' : 'rows'} ahead`,
          figure(own.mae, unit),
          `${figure(naive.mae, unit)}${other}`,
        ]);
      }
    }
  } else {
    const { metrics, baseline, window } = report;
    if (window.worst !== null) {
      const { accuracy, baselineAccuracy, scored } = window.worst;
      rows.push([`${score.label}, worst ${scored}`, figure(accuracy), figure(baselineAccuracy)]);
    }
    rows.push(['balanced accuracy', figure(metrics.balancedAccuracy), figure(baseline.balancedAccuracy)]);
    rows.push(['macro F1', figure(metrics.f1), figure(baseline.f1)]);
    rows.push(['log loss', figure(metrics.logLoss), figure(baseline.logLoss)]);
  }
  return rows;
}

/** What a table says of alarms: what came of it beside what was asked for. */
function alarmRows({
  metrics,
  baseline,
  scored,
  forecast,
  learner,
}: Extract<StreamReport, { kind: 'anomaly' }>): string[][] {
  const percent = (share: number | null) => (share === null ? '–' : `${figure(100 * share)} %`);
  return [
    ['', learner.kind, 'asked for'],
    [`rows in alarm, of ${scored}`, percent(metrics.rate), percent(baseline.rate)],
    ['alarms', String(metrics.alarms), ''],
    ['score and threshold', figure(metrics.score), figure(metrics.threshold)],
    ...(forecast === null
      ? []
      : [['error of forecasts, last value', figure(forecast.metrics.mae), figure(forecast.baselines.noChange.mae)]]),
  ];
}

/** How well intervals have kept what they promise, and how wide they had to be. */
function intervalLine(
  { coverage, covered, width, baselineWidth }: IntervalReport,
  { unit, baselineLabel }: Score,
): string {
  const stated = Number((100 * coverage).toPrecision(6));
  const kept = covered === null ? '–' : `${(100 * covered).toFixed(1)} %`;
  return `  ${stated} % interval covers ${kept}, mean width ${figure(width, unit)} (${baselineLabel} ${figure(baselineWidth, unit)})`;
}

/** Of each quantile: the part of the truths below it, and its pinball loss. */
function quantileLines({ all }: QuantileReport, { unit, baselineLabel }: Score): string[] {
  return all.map(({ quantile, below, pinball, baselinePinball }) => {
    const part = below === null ? '–' : `${(100 * below).toFixed(1)} %`;
    return `  quantile ${quantile}: ${part} below, pinball loss ${figure(pinball, unit)} (${baselineLabel} ${figure(baselinePinball, unit)})`;
  });
}

/** The unit all targets share, or none. */
export function unitOf({ columns, task }: { columns: readonly Column[]; task: Task }): string {
  const units = task.targets.map((target) => columns.find((column) => column.name === target)?.unit ?? '');
  return task.kind !== 'classify' && units.length > 0 && units.every((unit) => unit === units[0]) ? units[0] : '';
}
