/** Topics of one task, all below `<prefix>/<task>`. */
export interface TaskTopics {
  /** Rows that were predicted, as the pipes have them. Retained: the last one. */
  readonly state: string;
  /** How the task is: scores beside the baseline's, counters. Retained. */
  readonly health: string;
  /** What the log says. */
  readonly event: string;
  /** `ON` or `OFF`. Retained. */
  readonly learning: string;
  /** What came of a command. */
  readonly reply: string;
  /** Commands come in below it. */
  readonly set: string;
}

export function topicsOf(prefix: string, task: string): TaskTopics {
  const base = `${prefix}/${task}`;
  return {
    state: `${base}/state`,
    health: `${base}/health`,
    event: `${base}/event`,
    learning: `${base}/learning`,
    reply: `${base}/reply`,
    set: `${base}/set`,
  };
}

/** Of the whole process: `online`, or `offline`, which the broker says where the process cannot. Retained. */
export const availabilityTopic = (prefix: string, clientId: string): string => `${prefix}/availability/${clientId}`;
