import type { Config } from './config.js';
import type { Output, OutputContext } from './live-task.js';

/** How long one that is switched off may take for its last words. */
const LAST_WORDS_MS = 1000;

/** Sections of a configuration that say what goes out of a process. */
export type OutputSection = 'output' | 'mqtt' | 'http';

/** An output as it is configured, or not. */
interface Kind<Settings> {
  section: OutputSection;
  /** Undefined: it is off. */
  of(config: Config): Settings | undefined;
  /** What is not configured is not loaded either. */
  make(context: OutputContext, settings: Settings): Promise<Output<Settings>>;
}

const kindOf = <Settings>(kind: Kind<Settings>) => kind as Kind<unknown>;

/** In the order they begin. */
const KINDS: readonly Kind<unknown>[] = [
  kindOf<true>({
    section: 'output',
    of: ({ output }) => output.ndjson || undefined,
    make: async (context) => new (await import('./ndjson.js')).NdjsonOutput(context, process.stdout),
  }),
  kindOf<Config['mqtt'] & { url: string }>({
    section: 'mqtt',
    of: ({ mqtt }) => (mqtt.url === undefined ? undefined : { ...mqtt, url: mqtt.url }),
    make: async (context, settings) => new (await import('./mqtt/index.js')).MqttOutput(context, settings),
  }),
  kindOf<NonNullable<Config['http']>>({
    section: 'http',
    of: ({ http }) => http,
    make: async (context, settings) => new (await import('./http/output.js')).HttpOutput(context, settings),
  }),
];

/** What goes out of a process, as its configuration says. */
export class Outputs {
  private readonly running = new Map<OutputSection, Output<unknown>>();

  constructor(private readonly context: OutputContext) {}

  /** Begins; what cannot be had yet is tried again until it can. @throws EdgegradError where one cannot begin */
  async start(config: Config): Promise<void> {
    for (const kind of KINDS) if (kind.of(config) !== undefined) await this.begin(kind, config, true);
  }

  /**
   * Goes on as another configuration says. A section that cannot be had is told of, and stays as it was.
   *
   * @returns those
   */
  async change(config: Config): Promise<OutputSection[]> {
    const kept: OutputSection[] = [];
    for (const kind of KINDS) {
      const { section } = kind;
      try {
        await this.changeTo(kind, config);
      } catch (error) {
        kept.push(section);
        this.context.say(`[${section}] kept as it was: ${(error as Error).message}`, 'error');
      }
    }
    return kept;
  }

  /** Hands out what still waits, and ends. */
  async stop(withinMs: number): Promise<void> {
    await Promise.all([...this.running.values()].map((output) => output.stop(withinMs)));
  }

  private async changeTo(kind: Kind<unknown>, config: Config): Promise<void> {
    const { section } = kind;
    const output = this.running.get(section);
    const settings = kind.of(config);
    if (output === undefined) {
      if (settings !== undefined) await this.begin(kind, config, false);
    } else if (settings !== undefined) await output.change(settings);
    else {
      this.running.delete(section);
      await output.stop(LAST_WORDS_MS);
    }
  }

  private async begin(kind: Kind<unknown>, config: Config, isPatient: boolean): Promise<void> {
    const output = await kind.make(this.context, kind.of(config));
    this.running.set(kind.section, output);
    try {
      await output.start(isPatient);
    } catch (error) {
      this.running.delete(kind.section);
      throw error;
    }
  }
}
