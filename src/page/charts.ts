import uPlot from 'uplot';
import { el, setText } from './dom.js';
import { clock, figure, percent, tickFigures } from './format.js';

/** Colours of the page's style, read anew when it turns dark or light. */
export interface Palette {
  ink: string;
  muted: string;
  grid: string;
  model: string;
  truth: string;
  baseline: string;
  bad: string;
  classes: string[];
}

export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const of = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {
    ink: of('ink'),
    muted: of('muted'),
    grid: of('grid'),
    model: of('model'),
    truth: of('truth'),
    baseline: of('baseline'),
    bad: of('bad'),
    classes: Array.from({ length: 8 }, (_, i) => of(`class-${i}`)),
  };
}

/** One line of a chart. */
export interface Line {
  label: string;
  color: (palette: Palette, index: number) => string;
  dash?: number[];
  width?: number;
  /** Nothing of it is drawn (the edge of a band), or a strip on top. */
  kind?: 'line' | 'edge' | 'strip';
  /** Of a strip at a point: null where it has a hole. */
  stripColor?: (palette: Palette, data: uPlot.AlignedData, at: number) => string | null;
  format?: (value: number | null | undefined) => string;
}

export interface ChartOptions {
  title: string;
  /** What stands there before there is anything to draw. */
  empty: string;
  unit: string;
  lines: readonly Line[];
  /** Indexes of the lines a band lies between. */
  band?: [upper: number, lower: number];
  height: number;
  /** Default 'h3': one of several below a heading. */
  heading?: 'h2' | 'h3';
  /** A small one has no axes. */
  isSmall?: boolean;
  /** Least and largest value shown where they are fixed. */
  range?: [number | null, number | null];
  /** Area under the first line. */
  isFilled?: boolean;
}

const FONT = '12px system-ui, sans-serif';
/** Height of the strip on top, CSS pixels. */
const STRIP = 8;
/** Width of the axis of values, CSS pixels. */
const AXIS = 52;

/** A chart over time with a heading that tells the values of the latest point, or of the one pointed at. */
export class Chart {
  readonly element: HTMLElement;
  private readonly values: HTMLElement[] = [];
  private readonly box: HTMLElement;
  private readonly swatches: HTMLElement[] = [];
  private plot: uPlot | null = null;
  private data: uPlot.AlignedData;
  private span: [number, number] = [0, 1];
  private isVisible = false;
  private pointed: number | null = null;
  /** Nothing in sight has a value: the axis of values has none either. */
  private isBlank = false;
  private readonly names: HTMLElement[] = [];
  /** Of the point that is pointed at. */
  private readonly when = el('time');
  private readonly empty: HTMLElement;

  constructor(
    private readonly options: ChartOptions,
    private palette: Palette,
  ) {
    const { title, empty, lines, heading = 'h3', height, isSmall } = options;
    this.data = [[], ...lines.map(() => [])] as unknown as uPlot.AlignedData;
    const legend = el('span.legend', {}, this.when);
    lines.forEach((line, i) => {
      if (line.kind === 'edge' || line.label === '') return;
      const value = el('b');
      const swatch = el('i');
      const name = el('span', {}, line.label);
      this.values[i] = value;
      this.swatches[i] = swatch;
      this.names[i] = name;
      legend.append(el('span', {}, ...(isSmall ? [] : [swatch, name]), value));
    });
    this.empty = el('p.empty', {}, empty);
    this.box = el('div.plot', { role: 'img', 'aria-label': title }, this.empty);
    this.box.style.height = `${height}px`;
    this.element = el(
      isSmall ? 'section.chart.small' : 'section.chart',
      {},
      el('header', {}, el(heading, { title }, title), legend),
      this.box,
    );
    new IntersectionObserver(
      ([entry]) => {
        this.isVisible = entry.isIntersecting;
        if (this.isVisible) this.draw();
      },
      { rootMargin: '200px' },
    ).observe(this.element);
    new ResizeObserver(() => {
      const width = this.box.clientWidth;
      if (width > 0) this.plot?.setSize({ width, height });
    }).observe(this.box);
    this.colour();
  }

  /** The page has turned dark or light. */
  repaint(palette: Palette): void {
    this.palette = palette;
    this.plot?.destroy();
    this.plot = null;
    this.colour();
    this.draw();
  }

  /** Calls a line by another name. */
  rename(line: number, label: string): void {
    setText(this.names[line], label);
  }

  /** @param span seconds since 1970 that are shown, from and to */
  show(data: uPlot.AlignedData, span: [number, number]): void {
    this.data = data;
    this.span = span;
    this.empty.hidden = data[0].length > 0;
    this.tell();
    if (this.isVisible) this.draw();
  }

  private colour(): void {
    this.options.lines.forEach((line, i) => {
      const swatch = this.swatches[i];
      if (swatch !== undefined) swatch.style.background = line.color(this.palette, i);
    });
  }

  private draw(): void {
    const width = this.box.clientWidth;
    if (width === 0 || this.data[0].length === 0) return;
    if (this.plot === null) {
      this.plot = new uPlot(this.plotOptions(width), this.data, this.box);
      return;
    }
    this.plot.setData(this.data, false);
    this.plot.setScale('x', { min: this.span[0], max: this.span[1] });
  }

  /** Writes the values of one point: the one pointed at, or the latest there is. */
  private tell(): void {
    const { lines, unit } = this.options;
    setText(this.when, this.pointed === null ? '' : clock(1000 * this.data[0][this.pointed]));
    const texts: string[] = [];
    lines.forEach((line, i) => {
      const value = this.values[i];
      if (value === undefined) return;
      const column = this.data[i + 1] as (number | null | undefined)[];
      let at = this.pointed ?? column.length - 1;
      while (this.pointed === null && at > 0 && column.length - at < 200 && (column[at] ?? null) === null) at--;
      const text = (line.format ?? ((x) => figure(x, unit)))(column[at]);
      setText(value, text);
      texts.push(`${this.names[i].textContent} ${text}`);
    });
    this.box.ariaLabel = `${this.options.title}: ${texts.join(', ')}`;
  }

  private plotOptions(width: number): uPlot.Options {
    const { lines, band, height, isSmall, range, isFilled } = this.options;
    const { palette } = this;
    const isShare = lines[0].format === percentFormat;
    const axis = {
      stroke: palette.muted,
      font: FONT,
      grid: { stroke: palette.grid, width: 1 },
      ticks: { show: false },
    };
    return {
      width,
      height,
      padding: isSmall ? [4, 0, 4, 0] : [lines.some(({ kind }) => kind === 'strip') ? STRIP + 6 : 8, 8, 0, 0],
      legend: { show: false },
      cursor: {
        show: true,
        y: false,
        drag: { x: false, y: false },
        points: { size: 6 },
        sync: { key: 'time', setSeries: false, scales: ['x', null] },
      },
      scales: {
        x: { time: true, auto: false, range: () => this.span },
        y: {
          range: (_, low, high) => {
            let [from, to] = [range?.[0] ?? low, range?.[1] ?? high];
            this.isBlank = !Number.isFinite(low) || !Number.isFinite(high);
            if (this.isBlank) [from, to] = [0, 1];
            if (from === to) [from, to] = [from - (Math.abs(from) || 1) * 0.05, to + (Math.abs(to) || 1) * 0.05];
            const room = 0.06 * (to - from);
            return [range?.[0] ?? from - room, range?.[1] ?? to + room];
          },
        },
      },
      axes: isSmall
        ? [{ show: false }, { show: false }]
        : [
            {
              ...axis,
              size: 30,
              gap: 8,
              space: 90,
              // One that would be cut off at the end is left out.
              values: (plot, ticks) => {
                const most = plot.bbox.width / uPlot.pxRatio - 28;
                return ticks.map((tick) => (plot.valToPos(tick, 'x') > most ? '' : clock(1000 * tick)));
              },
            },
            {
              ...axis,
              size: (_, texts) => Math.max(AXIS, 14 + 7.5 * Math.max(0, ...(texts ?? []).map(({ length }) => length))),
              gap: 6,
              space: 32,
              values: (_, ticks) => {
                if (this.isBlank && !isShare) return ticks.map(() => '');
                return isShare ? ticks.map((tick) => percent(tick)) : tickFigures(ticks);
              },
            },
          ],
      series: [
        {},
        ...lines.map((line, i): uPlot.Series => {
          const color = line.color(palette, i);
          return {
            label: line.label,
            stroke: color,
            width: line.kind === 'edge' ? 0 : (line.width ?? 1.5),
            ...(line.dash === undefined ? {} : { dash: line.dash }),
            ...(line.kind === 'strip' ? { paths: () => null, scale: 'strip' } : {}),
            ...(isFilled && i === 0 ? { fill: `color-mix(in srgb, ${color} 16%, transparent)` } : {}),
            points: { show: false },
            spanGaps: false,
          };
        }),
      ],
      ...(band === undefined
        ? {}
        : {
            bands: [
              {
                series: [band[0] + 1, band[1] + 1] as [number, number],
                fill: `color-mix(in srgb, ${palette.model} 18%, transparent)`,
              },
            ],
          }),
      hooks: {
        setCursor: [
          (plot) => {
            const { idx, left } = plot.cursor;
            this.pointed = idx === null || idx === undefined || (left ?? -1) < 0 ? null : idx;
            this.tell();
          },
        ],
        draw: [(plot) => this.drawStrip(plot)],
      },
    };
  }

  /** What was true, or above a threshold, as a coloured strip on top. */
  private drawStrip(plot: uPlot): void {
    const strip = this.options.lines.find(({ kind }) => kind === 'strip');
    if (strip?.stripColor === undefined) return;
    const { ctx, bbox } = plot;
    const time = this.data[0];
    const height = STRIP * uPlot.pxRatio;
    ctx.save();
    for (let i = 0; i < time.length; i++) {
      if (time[i] < this.span[0]) continue;
      const color = strip.stripColor(this.palette, this.data, i);
      if (color === null) continue;
      const from = Math.max(plot.valToPos(time[i], 'x', true), bbox.left);
      const next = i + 1 < time.length ? plot.valToPos(time[i + 1], 'x', true) : from + 2;
      ctx.fillStyle = color;
      // Whole pixels: neighbours meet.
      const left = Math.floor(from);
      const width = Math.ceil(Math.min(next, from + 40)) - left;
      ctx.fillRect(left, bbox.top - height - 3 * uPlot.pxRatio, Math.max(1, width), height);
    }
    ctx.restore();
  }
}

export const classFormat = (value: number | null | undefined): string => (value ?? '–').toString();
export const percentFormat = (value: number | null | undefined): string => percent(value ?? null);
