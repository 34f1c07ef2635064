import { spawn } from 'node:child_process';

/** How often the status is told where no watchdog sets the pace. */
const STATUS_PERIOD_MS = 30_000;
/** A notification that takes longer is given up: nothing may pile up behind it. */
const SEND_TIMEOUT_MS = 5000;

export interface NotifierOptions {
  /** Where systemd says how it is reached: NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID. Default the process's own. */
  env?: NodeJS.ProcessEnv;
  /** Told once when systemd cannot be reached, and whenever progress stops or goes on. */
  onProblem(message: string): void;
}

/** What systemd is told again and again. */
export interface Watched {
  /** Whether work is getting done. While it is not, the watchdog is not fed, and systemd starts the service anew. */
  isProgressing(): boolean;
  /** One line for `systemctl status`. */
  status(): string;
}

/**
 * Tells systemd how the service is, through the program `systemd-notify` (the protocol needs a kind of socket Node does
 * not have). Silent where systemd did not start this process. No call throws or rejects; messages arrive in order.
 */
export class SystemdNotifier {
  /** Whether there is a systemd that listens. */
  readonly isListening: boolean;
  /** How often the watchdog is fed: a third of what systemd waits. 0: there is none for this process. */
  readonly watchdogPeriodMs: number;
  private readonly env: NodeJS.ProcessEnv;
  private readonly onProblem: (message: string) => void;
  private last: Promise<void> = Promise.resolve();
  private hasFailed = false;
  private timer: NodeJS.Timeout | null = null;

  constructor({ env = process.env, onProblem }: NotifierOptions) {
    this.env = env;
    this.onProblem = onProblem;
    this.isListening = (env.NOTIFY_SOCKET ?? '') !== '';
    const waitUs = Number(env.WATCHDOG_USEC);
    // The watchdog of a service that started us as its child is fed by that service.
    const isOurs = env.WATCHDOG_PID === undefined || Number(env.WATCHDOG_PID) === process.pid;
    this.watchdogPeriodMs = this.isListening && isOurs && waitUs > 0 ? waitUs / 3000 : 0;
  }

  /** The service does its work, or waits for its port. */
  ready(status: string): Promise<void> {
    return this.send(['READY=1', statusOf(status)]);
  }

  /** The configuration is being read again; `ready` ends it. */
  reloading(): Promise<void> {
    return this.send(['RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`]);
  }

  /** The service is about to leave. A disk may take long for that: the watchdog is fed until `stopped`. */
  stopping(status: string): Promise<void> {
    return this.send(['STOPPING=1', statusOf(status)]);
  }

  /** The service leaves. Ends what `watch` began. */
  stopped(status: string): Promise<void> {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
    return this.send(['STOPPING=1', statusOf(status)]);
  }

  /** Tells the status now and then and feeds the watchdog while there is progress, until `stopped`. */
  watch({ isProgressing, status }: Watched): void {
    if (!this.isListening || this.timer !== null) return;
    let isStuck = false;
    let isSent = true;
    const tick = () => {
      if (this.watchdogPeriodMs > 0 && isStuck === isProgressing()) {
        isStuck = !isStuck;
        this.onProblem(isStuck ? 'bytes come in, but no work is done: the watchdog is not fed' : 'work goes on');
      }
      if (!isSent) return;
      isSent = false;
      const message = [statusOf(status())];
      if (this.watchdogPeriodMs > 0 && !isStuck) message.push('WATCHDOG=1');
      void this.send(message).then(() => {
        isSent = true;
      });
    };
    this.timer = setInterval(tick, this.watchdogPeriodMs || STATUS_PERIOD_MS);
    this.timer.unref();
  }

  private send(assignments: string[]): Promise<void> {
    if (!this.isListening) return Promise.resolve();
    this.last = this.last.then(async () => {
      const problem = await notify(assignments, this.env);
      if (problem === undefined || this.hasFailed) return;
      this.hasFailed = true;
      this.onProblem(`systemd is not told how this service is: systemd-notify ${problem}`);
    });
    return this.last;
  }
}

/**
 * A question to ask now and then: has work been done since something came in? Where nothing comes in, the answer stays
 * as it was.
 *
 * @param counts what has come in and what has been dealt with, each counted from the start in any unit
 */
export function keepsUp(counts: () => { received: number; done: number }): () => boolean {
  let { received, done } = counts();
  let isUp = true;
  return () => {
    const now = counts();
    if (now.done !== done) isUp = true;
    else if (now.received !== received) isUp = false;
    ({ received, done } = now);
    return isUp;
  };
}

/** A status is one line. */
const statusOf = (text: string) => `STATUS=${text.replace(/\s*\n\s*/g, '; ')}`;

/** Why it could not be sent; undefined where it was. */
function notify(assignments: string[], env: NodeJS.ProcessEnv): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn('systemd-notify', assignments, { env, stdio: 'ignore', timeout: SEND_TIMEOUT_MS });
    child.once('error', (error) => resolve((error as NodeJS.ErrnoException).code ?? error.message));
    child.once('exit', (code, signal) => resolve(code === 0 ? undefined : `ended with ${signal ?? code}`));
  });
}
