/** One line of a metric: `name{label="value"} 1`. */
export interface ExposedSample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

const NAME = /[a-zA-Z_:][a-zA-Z0-9_:]*/.source;
const LABELS = /\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*",?)*)\}/.source;
const SAMPLE = new RegExp(`^(${NAME})(?:${LABELS})? (-?(?:\\d+(?:\\.\\d+)?(?:e[+-]?\\d+)?)|NaN|[+-]Inf)$`);

/** Parts of names that stand for other units than seconds, bytes and ratios, or for these in short. */
const NOT_BASE =
  /_(s|ms|us|ns|milliseconds|microseconds|minutes|hours|days|b|kb|mb|kilobytes|megabytes|bits|percent|age|weight|share)(_total)?$/;

/**
 * Reads Prometheus' text format 0.0.4, strictly: every sample stands under HELP and TYPE of its metric, none twice,
 * histograms are cumulative and end with what they count; names are as `promtool check metrics` wants them.
 *
 * @throws Error with the line that is wrong
 */
export function readExposition(text: string): ExposedSample[] {
  const samples: ExposedSample[] = [];
  const seen = new Set<string>();
  const types = new Map<string, string>();
  const helped = new Set<string>();
  if (!text.endsWith('\n')) throw new Error('the last line has no line feed');
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const meta = new RegExp(`^# (HELP|TYPE) (${NAME}) (.+)$`).exec(line);
    if (meta !== null) {
      const [, what, name, rest] = meta;
      if (what === 'HELP') {
        if (helped.has(name)) throw new Error(`helped twice: ${line}`);
        helped.add(name);
      } else {
        if (types.has(name) || !helped.has(name)) throw new Error(`out of order: ${line}`);
        if (!['counter', 'gauge', 'histogram'].includes(rest)) throw new Error(`type: ${line}`);
        types.set(name, rest);
      }
      continue;
    }
    const match = SAMPLE.exec(line);
    if (match === null) throw new Error(`no sample: ${line}`);
    const [, name, list = '', value] = match;
    const base = types.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '');
    const type = types.get(base);
    if (type === undefined) throw new Error(`without TYPE: ${line}`);
    if (type === 'counter' && !name.endsWith('_total')) throw new Error(`a counter without _total: ${line}`);
    if (type !== 'counter' && name.endsWith('_total')) throw new Error(`_total, and no counter: ${line}`);
    if (type === 'gauge' && /_(bucket|sum|count)$/.test(name)) throw new Error(`as of a histogram: ${line}`);
    if (NOT_BASE.test(name)) throw new Error(`not in base units: ${line}`);
    if (/_(counter|gauge|histogram)(_|$)/.test(name)) throw new Error(`its type in its name: ${line}`);
    if (name !== name.toLowerCase()) throw new Error(`not in small letters: ${line}`);
    const labels = Object.fromEntries(
      [...list.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label, text]) => [label, text]),
    );
    const key = `${name} ${JSON.stringify(labels)}`;
    if (seen.has(key)) throw new Error(`twice: ${line}`);
    seen.add(key);
    samples.push({ name, labels, value: Number(value.replace('Inf', 'Infinity')) });
  }
  for (const [name, type] of types) {
    if (type !== 'histogram') continue;
    for (const { labels, value: count } of samples.filter((sample) => sample.name === `${name}_count`)) {
      const buckets = samples.filter(
        (sample) => sample.name === `${name}_bucket` && sample.labels.task === labels.task,
      );
      buckets.reduce((before, { value }) => {
        if (value < before) throw new Error(`${name} is not cumulative`);
        return value;
      }, 0);
      if (buckets.at(-1)?.labels.le !== '+Inf' || buckets.at(-1)?.value !== count)
        throw new Error(`${name} ends wrongly`);
    }
  }
  return samples;
}
