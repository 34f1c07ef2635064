import type { Drift } from '../spec/index.js';
import type { DriftReport, Stream } from '../stream/index.js';

/** What a watcher has told since it was last asked about. */
export interface DriftNote {
  text: string;
  /** Checkpoints to be kept aside, this one among them; 0 where none is asked for. */
  keep: number;
}

/** Puts into words what the watchers of a stream tell, each change once. */
export class DriftNews {
  private told: number[];

  constructor(private readonly stream: Stream) {
    this.told = this.detections();
  }

  /** The stream has come from a checkpoint: what was told before is known. */
  begin(): void {
    this.told = this.detections();
  }

  /** What was told since the last call. */
  take(): DriftNote[] {
    const { stream, told } = this;
    this.told = this.detections();
    return stream.report().drift.flatMap((report, i): DriftNote[] => {
      const times = report.detections - told[i];
      if (times <= 0) return [];
      const drift = stream.drift[i];
      const done = stream.isLearning ? doneAbout(drift) : 'learning is paused';
      return [{ text: `${changeOf(report, times)}${done === '' ? '' : `; ${done}`}`, keep: drift.keep ?? 0 }];
    });
  }

  private detections(): number[] {
    return this.stream.report().drift.map(({ detections }) => detections);
  }
}

function changeOf({ on, detector, lastRow }: DriftReport, times: number): string {
  const what = on === 'loss' ? 'the loss' : on;
  return `drift: ${what} has changed (${detector}) ${times > 1 ? `${times} times, last ` : ''}at row ${lastRow}`;
}

function doneAbout({ policy, rows, factor }: Drift): string {
  switch (policy) {
    case 'note':
      return '';
    case 'raiseRates':
      return `learns ${factor} times as fast for ${rows} labels`;
    case 'forgetScalers':
      return 'scales are learned anew';
    case 'freshLearner':
      return 'a network of the race begins anew';
    case 'snapshot':
      return 'a checkpoint is kept aside';
  }
}
