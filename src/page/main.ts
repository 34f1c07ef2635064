import type { BeginMessage } from '../daemon/http/messages.js';
import { readPalette } from './charts.js';
import { type Moment, ProcessClock } from './clock.js';
import { Connection, post } from './connection.js';
import { el, setText } from './dom.js';
import { bytes, clock } from './format.js';
import { TaskView } from './view.js';

/** Charts are drawn at most so often. */
const FRAME_MS = 66;

const body = document.getElementById('body')!;
const tabs = document.getElementById('tabs')!;
const live = document.getElementById('live')!;
const notice = document.getElementById('notice')!;
const memory = document.getElementById('memory')!;

let views: TaskView[] = [];
let names: string[] = [];
let shown = 0;
let startedMs: number | null = null;
const processClock = new ProcessClock();
let lostMs: number | null = null;

const connection = new Connection({
  begin(message) {
    setLive(true);
    show(message);
  },
  rows(message) {
    follow(message);
    views[message.task]?.takeRows(message, processClock.timeOf(message.steadyMs));
  },
  status({ rssBytes, tasks, ...moment }) {
    follow(moment);
    setText(memory, `memory ${bytes(rssBytes)}`);
    tasks.forEach((status, i) => {
      views[i]?.update(status);
    });
    tellStates();
  },
  event({ task, event }) {
    views[task]?.takeEvent(event);
  },
  away(reason) {
    setLive(reason === null);
    if (reason === null) return;
    lostMs ??= Date.now();
    setText(notice, `Away since ${clock(lostMs)}: ${reason}. It is tried again every two seconds.`);
  },
  login() {
    setLive(false);
    body.replaceChildren(loginForm());
    body.querySelector('input')?.focus();
    notice.hidden = true;
    tabs.replaceChildren();
    views = [];
  },
});

function setLive(isLive: boolean): void {
  setText(live, isLive ? 'live' : 'away');
  live.dataset.tone = isLive ? 'good' : 'bad';
  document.body.classList.toggle('away', !isLive);
  notice.hidden = isLive;
  if (isLive) lostMs = null;
}

/** The charts follow the clock of the process, which may differ from this one and may be set. */
function follow(moment: Moment): void {
  const setMs = processClock.hear(moment);
  if (setMs !== 0) for (const view of views) view.shift(setMs / 1000);
}

function show(message: BeginMessage): void {
  const { version, tasks } = message;
  const isSame = message.startedMs === startedMs;
  startedMs = message.startedMs;
  if (!isSame) processClock.reset();
  follow(message);
  const before = names[shown];
  names = tasks.map(({ name }) => name);
  const palette = readPalette();
  views = tasks.map((task) => {
    const view = views.find((each) => each.isOf(task));
    if (view === undefined) return new TaskView(task, palette);
    view.goOn(task, isSame, message.timeMs);
    return view;
  });
  setText(document.getElementById('version')!, `version ${version}`);
  tabs.hidden = tasks.length < 2;
  tabs.replaceChildren(
    ...names.map((name) => el('a', { href: `#${encodeURIComponent(name)}` }, el('i'), name, el('span.unseen'))),
  );
  tellStates();
  choose(before);
}

/** Every tab shows how its task is. */
function tellStates(): void {
  views.forEach(({ state }, i) => {
    const tab = tabs.children[i] as HTMLElement;
    tab.dataset.tone = state.tone;
    tab.title = state.text;
    setText(tab.lastElementChild as HTMLElement, `, ${state.text}`);
  });
}

/** Shows the task the address names, or the first. */
function choose(fallback?: string): void {
  const wanted = decodeURIComponent(location.hash.slice(1)) || fallback || '';
  shown = Math.max(0, names.indexOf(wanted));
  const view = views[shown];
  if (view === undefined) return;
  if (!view.element.isConnected) body.replaceChildren(view.element);
  document.title = `${names[shown]} · edgegrad`;
  [...tabs.children].forEach((tab, i) => {
    if (i === shown) {
      tab.setAttribute('aria-current', 'page');
      tab.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    } else tab.removeAttribute('aria-current');
  });
}

function loginForm(): HTMLElement {
  const input = el('input', { type: 'password', name: 'token', required: true, autocomplete: 'current-password' });
  const problem = el('output.said.problem', { role: 'status' });
  return el(
    'form.card.login',
    {
      submit: (event) => {
        event.preventDefault();
        post('/api/login', { token: input.value.trim() }).then(
          () => connection.retry(),
          (error: Error) => {
            problem.textContent = error.message;
            input.select();
          },
        );
      },
    },
    el('h1', {}, 'edgegrad'),
    el('label', {}, 'Token of this machine', input),
    el('button.primary', { type: 'submit' }, 'Open'),
    problem,
  );
}

let drawnMs = 0;
function frame(nowMs: number): void {
  requestAnimationFrame(frame);
  if (nowMs - drawnMs < FRAME_MS || lostMs !== null) return;
  drawnMs = nowMs;
  views[shown]?.draw(processClock.nowMs / 1000);
}

window.addEventListener('hashchange', () => choose());
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  const palette = readPalette();
  for (const view of views) view.repaint(palette);
});
connection.open();
requestAnimationFrame(frame);
