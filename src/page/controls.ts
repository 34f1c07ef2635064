import type { TaskMessage, TaskStatusMessage } from '../daemon/http/messages.js';
import { post } from './connection.js';
import { el, setText } from './dom.js';
import { whole } from './format.js';

/** How long it stands there what came of something. */
const SAID_MS = 10_000;

/** Pausing, saving and labelling one task, and what came of it. */
export class Controls {
  readonly buttons: HTMLElement;
  /** Null where labels come in rows only. */
  readonly labels: HTMLElement | null;
  private readonly learning: HTMLButtonElement;
  private readonly said: HTMLElement;
  private readonly path: string;
  private isLearning: boolean;
  private place = 0;
  /** The row the form is about stays what it was once somebody has begun to fill it in. */
  private isHeld = false;
  private forgetTimer: number | undefined;
  private readonly placeInput = el('input', { type: 'number', min: '0', step: '1', required: true, name: 'place' });

  constructor(private readonly task: TaskMessage) {
    this.path = `/api/tasks/${encodeURIComponent(task.name)}`;
    this.isLearning = task.status.isLearning;
    this.learning = el('button.primary', { type: 'button', click: () => void this.toggle() });
    const save = el('button', { type: 'button', click: () => void this.save() }, 'Save now');
    this.said = el('output.said', { role: 'status' });
    this.buttons = el('div.controls', {}, this.said, this.learning, save);
    this.labels = task.labelWait > 0 ? this.labelForm() : null;
    this.update(task.status);
  }

  update({ isLearning, place, ended }: TaskStatusMessage): void {
    this.isLearning = isLearning;
    setText(this.learning, isLearning ? 'Pause learning' : 'Go on learning');
    for (const button of this.buttons.querySelectorAll('button')) button.disabled = ended !== null;
    this.follow(place);
  }

  /** The place of the latest row. */
  follow(place: number): void {
    this.place = place;
    if (!this.isHeld) this.placeInput.value = String(place);
    this.placeInput.min = String(Math.max(1, place - this.task.labelWait));
    this.placeInput.max = String(place);
  }

  private async toggle(): Promise<void> {
    await this.act(async () => {
      const { isLearning } = await post<{ isLearning: boolean }>(`${this.path}/learning`, { on: !this.isLearning });
      this.isLearning = isLearning;
      setText(this.learning, isLearning ? 'Pause learning' : 'Go on learning');
      return isLearning ? 'learning goes on' : 'paused: it predicts, but does not learn';
    });
  }

  private async save(): Promise<void> {
    await this.act(async () => {
      const { file } = await post<{ file: string }>(`${this.path}/save`, {});
      return `saved ${file}`;
    });
  }

  private labelForm(): HTMLElement {
    const { targets, labelWait } = this.task;
    const inputs = targets.map(({ name, classes }) =>
      classes > 0
        ? // Its name would be read out with every choice there is otherwise.
          el(
            'select',
            { name, 'aria-label': name },
            ...Array.from({ length: classes }, (_, c) => el('option', {}, String(c))),
          )
        : el('input', { name, type: 'number', step: 'any', required: true, autocomplete: 'off' }),
    );
    const latest = () => {
      this.isHeld = false;
      this.placeInput.value = String(this.place);
    };
    const form = el(
      'form',
      {
        focusin: () => {
          this.isHeld = true;
        },
        submit: (event) => {
          event.preventDefault();
          const values = inputs.map(({ value }) => Number(value));
          const place = Number(this.placeInput.value);
          void this.act(async () => {
            await post(`${this.path}/label`, { values, place });
            form.reset();
            latest();
            return `label of row ${whole(place)} taken`;
          });
        },
      },
      ...targets.map(({ name, unit }, i) => el('label', {}, unit === '' ? name : `${name}, ${unit}`, inputs[i])),
      el('label', {}, 'row', this.placeInput),
      el('button.primary', { type: 'submit' }, 'Label'),
      el('button', { type: 'button', click: latest }, 'Latest row'),
    );
    return el(
      'section.card.labels',
      {},
      el('h2', {}, 'Label'),
      el('p.note', {}, `What was true of a row; the last ${whole(labelWait)} rows wait for it.`),
      form,
    );
  }

  private async act(what: () => Promise<string>): Promise<void> {
    try {
      const text = await what();
      this.say(text, false);
    } catch (error) {
      this.say((error as Error).message, true);
    }
  }

  private say(text: string, isProblem: boolean): void {
    this.said.classList.toggle('problem', isProblem);
    this.said.textContent = text;
    clearTimeout(this.forgetTimer);
    // A problem stands there until something else is done.
    if (!isProblem) this.forgetTimer = window.setTimeout(() => setText(this.said, ''), SAID_MS);
  }
}
