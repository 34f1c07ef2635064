import { readdirSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { Counter, Gauge, Registry } from 'prom-client';
import type { LiveTask } from '../live-task.js';
import { VERSION } from '../version.js';
import { stepBuckets, TASK_METRICS } from './metrics-table.js';

/** A metric of the process itself. */
interface ProcessMetric {
  name: string;
  type: 'counter' | 'gauge';
  help: string;
  read(): number | undefined;
}

/** Names as Prometheus' own libraries have them. */
const PROCESS_METRICS: readonly ProcessMetric[] = [
  {
    name: 'process_resident_memory_bytes',
    type: 'gauge',
    help: 'Resident memory size in bytes.',
    read: () => process.memoryUsage.rss(),
  },
  {
    name: 'process_cpu_seconds_total',
    type: 'counter',
    help: 'User and system CPU time spent in seconds.',
    read: () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    },
  },
  {
    name: 'process_start_time_seconds',
    type: 'gauge',
    help: 'Start time of the process since unix epoch in seconds.',
    read: () => performance.timeOrigin / 1000,
  },
  { name: 'process_open_fds', type: 'gauge', help: 'Number of open file descriptors.', read: openDescriptors },
  {
    name: 'nodejs_heap_size_used_bytes',
    type: 'gauge',
    help: 'Process heap size used from Node.js in bytes.',
    read: () => process.memoryUsage().heapUsed,
  },
  {
    name: 'nodejs_external_memory_bytes',
    type: 'gauge',
    help: 'Node.js external memory size in bytes.',
    read: () => process.memoryUsage().external,
  },
];

/** What the server counts of itself. */
export interface ServerCounts {
  clients: number;
  droppedClients: number;
  refused: number;
}

/** Everything Prometheus is told, worked out when it asks. */
export class Metrics {
  private readonly registry = new Registry();
  private readonly setters: (() => void)[] = [];

  constructor(
    private readonly tasks: readonly LiveTask[],
    counts: () => ServerCounts,
  ) {
    const info = this.gauge('edgegrad_info', 'Version of edgegrad and of Node.', ['version', 'node']);
    info.set({ version: VERSION, node: process.version }, 1);
    this.addTaskMetrics();
    this.addSteps();
    for (const { name, type, help, read } of PROCESS_METRICS) this.add(name, type, help, read);
    let before = performance.eventLoopUtilization();
    this.add(
      'nodejs_eventloop_utilization',
      'gauge',
      'Share of time the event loop was busy, since the last scrape.',
      () => {
        const now = performance.eventLoopUtilization();
        const { utilization } = performance.eventLoopUtilization(now, before);
        before = now;
        return utilization;
      },
    );
    this.add('edgegrad_http_pages', 'gauge', 'Pages that listen.', () => counts().clients);
    this.add(
      'edgegrad_http_pages_dropped_total',
      'counter',
      'Pages that took too long to listen.',
      () => counts().droppedClients,
    );
    this.add('edgegrad_http_refused_requests_total', 'counter', 'Requests without the token.', () => counts().refused);
  }

  async text(): Promise<{ type: string; text: string }> {
    for (const set of this.setters) set();
    return { type: this.registry.contentType, text: await this.registry.metrics() };
  }

  private addTaskMetrics(): void {
    const metrics = TASK_METRICS.map((metric) => {
      const labels = ['task', ...(metric.labels ?? [])];
      const name = `edgegrad_${metric.name}`;
      return {
        read: metric.read,
        target:
          metric.type === 'counter' ? this.counter(name, metric.help, labels) : this.gauge(name, metric.help, labels),
      };
    });
    this.setters.push(() => {
      for (const { target } of metrics) target.reset();
      for (const task of this.tasks) {
        const status = task.status();
        for (const { read, target } of metrics) {
          const found = read(status, task);
          const samples = Array.isArray(found) ? found : [[{}, found] as const];
          for (const [labels, value] of samples) {
            if (value !== null && value !== undefined) target.inc({ task: status.name, ...labels }, value);
          }
        }
      }
    });
  }

  /** prom-client counts a histogram one observation at a time; this one has been counted already. */
  private addSteps(): void {
    const name = 'edgegrad_step_seconds';
    const histogram = {
      name,
      help: 'Time from bytes to a learned row: of each read of the source, divided by its rows.',
      type: 'histogram',
      aggregator: 'sum',
      get: async () => ({
        name,
        help: histogram.help,
        type: 'histogram',
        aggregator: 'sum',
        values: this.tasks.flatMap((task) => {
          const { name: of, steps } = task.status();
          return [
            ...stepBuckets(steps).map(([le, value]) => ({
              metricName: `${name}_bucket`,
              labels: { task: of, le },
              value,
            })),
            { metricName: `${name}_sum`, labels: { task: of }, value: steps.seconds },
            { metricName: `${name}_count`, labels: { task: of }, value: steps.rows },
          ];
        }),
      }),
    };
    this.registry.registerMetric(histogram as never);
  }

  private add(name: string, type: 'counter' | 'gauge', help: string, read: () => number | undefined): void {
    const target = type === 'counter' ? this.counter(name, help, []) : this.gauge(name, help, []);
    this.setters.push(() => {
      target.reset();
      const value = read();
      if (value !== undefined) target.inc(value);
    });
  }

  private counter(name: string, help: string, labelNames: string[]): Counter {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  private gauge(name: string, help: string, labelNames: string[]): Gauge {
    return new Gauge({ name, help, labelNames, registers: [this.registry] });
  }
}

/** Undefined where the system does not tell. */
function openDescriptors(): number | undefined {
  try {
    return readdirSync('/proc/self/fd').length - 1; // one is of the directory itself
  } catch {
    return undefined;
  }
}
