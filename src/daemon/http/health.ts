import { quotedLine } from '../../bridge/index.js';
import type { LiveTask, TaskStatus } from '../live-task.js';
import { reasonsIn } from '../refusal-words.js';
import type { HealthMessage } from './messages.js';

/** A checkpoint is late after so many intervals. */
const LATE = 3;
/** Least seconds before a checkpoint is late, and before a read is. */
const LEAST_LATE_S = 60;
/** Seconds for which lines come and none is a row, after which somebody has to look. */
const NO_ROWS_S = 30;

/** Looks how the tasks of a process are; keeps what it saw last. */
export class Health {
  private readonly questions: (() => boolean)[];
  private readonly beganMs = performance.now();

  constructor(private readonly tasks: readonly LiveTask[]) {
    this.questions = tasks.map((task) => task.progress());
  }

  /** `failing` where somebody has to do something; `degraded` where something is missing that may come by itself. */
  look(): HealthMessage {
    const tasks = this.tasks.map((task, i) => {
      const status = task.status();
      const problems = this.problemsOf(status, task.config.checkpoint.intervalS, this.questions[i]());
      return { name: status.name, problems, notes: notesOf(status) };
    });
    const isFailing = tasks.some(({ problems }) => problems.length > 0);
    const isDegraded = tasks.some(({ notes }) => notes.length > 0);
    return { status: isFailing ? 'failing' : isDegraded ? 'degraded' : 'ok', tasks };
  }

  private problemsOf(
    { ended, checkpoint, refusals, sourceProblem, otherReaders }: TaskStatus,
    intervalS: number,
    isProgressing: boolean,
  ): string[] {
    const problems: string[] = [];
    if (ended !== null && ended !== 'stopped' && ended !== 'end of log') problems.push(`ended: ${ended}`);
    if (ended === null && !isProgressing) problems.push('bytes come in, but no work is done');
    const { sinceS, rowsSince } = refusals;
    if (ended === null && sourceProblem !== null) problems.push(`source: ${sourceProblem}`);
    if (ended === null && otherReaders.length > 0) {
      problems.push(`source: ${otherReaders.join(' and ')} reads the same port and takes bytes away`);
    }
    if (ended === null && sinceS !== null && sinceS > NO_ROWS_S && rowsSince === 0) {
      problems.push(`no row for ${Math.round(sinceS)} s: ${refusedNote(refusals)}`);
    }
    if (checkpoint.problem !== null) problems.push(`checkpoint: ${checkpoint.problem}`);
    const ageS = checkpoint.ageS ?? (performance.now() - this.beganMs) / 1000;
    const lateS = Math.max(LATE * intervalS, intervalS + LEAST_LATE_S);
    if (ended === null && intervalS > 0 && checkpoint.unsavedSteps > 0 && ageS > lateS) {
      problems.push(`checkpoint: the last one is ${Math.round(ageS)} s old, with ${intervalS} s between them`);
    }
    return problems;
  }
}

/** What is no failure, but not as it should be for long. */
function notesOf({ ended, isConnected, isLearning, source, recording, refusals }: TaskStatus): string[] {
  const notes: string[] = [];
  if (ended !== null) notes.push(ended === 'end of log' ? 'the log has ended' : 'has ended');
  else if (source === '') notes.push('begins');
  else if (!isConnected) notes.push(`waits for ${source}`);
  if (ended === null && refusals.isRefusing) notes.push(refusedNote(refusals));
  if (!isLearning) notes.push('learning is paused');
  if (recording !== null && recording.lostBytes > 0) notes.push(`recording: ${recording.lostBytes} bytes were lost`);
  return notes;
}

/** What lines are refused, why, and the last of them. */
function refusedNote({ refusedSince, rowsSince, reasons, latest }: TaskStatus['refusals']): string {
  const of = rowsSince === 0 ? 'none is a row' : `${rowsSince} are rows`;
  const why = reasons.length === 0 ? '' : ` (${reasonsIn(reasons)})`;
  const example = latest === null ? '' : `, the last ${quotedLine(latest)}`;
  return `${refusedSince} lines are refused, ${of}${why}${example}`;
}
