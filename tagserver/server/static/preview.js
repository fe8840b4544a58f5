// The list of Preview, live. Rows never move what is being read: they wait behind a button that says how many.

import {badge, countsOf, fill, newRow, showCounts} from '/-/static/preview_rows.js';

const MOST_ROWS = 200;
const MOST_WAITING = 500;
const SETTLE_MS = 3000;
const TELL_MS = 1000;

const $ = (id) => document.getElementById(id);
const list = $('list');
const rows = $('events');
const more = $('more');
const pause = $('pause');
const counter = $('counter');
const detail = $('detail');
const wide = matchMedia('(min-width: 62rem)');

const known = new Map(); // number of a record → its row
const states = new Map(); // event_id → tag → what became of it
const waiting = []; // summaries that are not shown yet, the oldest first
let newest = Number(list.dataset.newest);
let skipped = 0;
let paused = false;
let source = null;
let again = 0;
let telling = 0;
const whole = new Intl.NumberFormat('en');

for (const row of rows.children) known.set(Number(row.dataset.record), row);

function made(told) {
  const row = newRow(told, list.dataset.address);
  known.set(told.record, row);
  return row;
}

// ── what comes

function reading() {
  // Whoever has moved down, points at the list, or has a row in focus reads: then nothing may move.
  const scrolled = wide.matches ? list.scrollTop > 0 : list.getBoundingClientRect().top < 0;
  return paused || scrolled || list.matches(':hover') || rows.contains(document.activeElement);
}

function record(told) {
  newest = Math.max(newest, told.record);
  const row = known.get(told.record);
  if (row) return fill(row, told, list.dataset.address); // a refused request that came again
  const place = waiting.findIndex((one) => one.record === told.record);
  if (place >= 0) waiting[place] = told;
  else waiting.push(told);
  if (waiting.length > MOST_WAITING) {
    waiting.shift();
    skipped += 1;
  }
  settle();
}

function settle() {
  if (reading()) return say();
  show(waiting.splice(0));
  say();
}

function attempt(told) {
  const result = told.verdict;
  for (const row of rows.children) if (row.dataset.id === told.event_id) move(row, told, result);
  for (const one of waiting) {
    if (one.event_id !== told.event_id) continue;
    const from = was(told);
    if (one.verdicts[from]) one.verdicts[from] -= 1;
    one.verdicts[result] = (one.verdicts[result] ?? 0) + 1;
  }
  if (!states.has(told.event_id)) states.set(told.event_id, new Map());
  states.get(told.event_id).set(told.tag, result);
  if (states.size > 2 * MOST_ROWS) states.delete(states.keys().next().value);
}

function was(told) {
  return states.get(told.event_id)?.get(told.tag) ?? 'pending';
}

function move(row, told, result) {
  const found = {...countsOf(row)};
  const from = was(told);
  if (!found[from] && from !== result) return; // a copy of an event: what was sent is told of the first one
  if (found[from]) found[from] -= 1;
  found[result] = (found[result] ?? 0) + 1;
  showCounts(row, found);
}

function say() {
  const number = waiting.length;
  more.hidden = number === 0;
  more.textContent = number ? `Show ${whole.format(number)} new` : '';
  if (!telling) telling = setTimeout(tell, TELL_MS);
}

// Read aloud, so not with every event.
function tell() {
  telling = 0;
  const parts = [];
  if (waiting.length) parts.push(`${whole.format(waiting.length)} new`);
  if (skipped) parts.push(`${whole.format(skipped)} more came than can be shown live: reload to see them`);
  const text = parts.join('; ');
  if (counter.textContent !== text) counter.textContent = text;
}

function show(fresh) {
  rows.prepend(...fresh.map(made).reverse());
  $('empty')?.remove();
  while (rows.children.length > MOST_ROWS) {
    known.delete(Number(rows.lastElementChild.dataset.record));
    rows.lastElementChild.remove();
  }
}

function showWaiting() {
  list.scrollTop = 0;
  show(waiting.splice(0));
  say();
  rows.querySelector('a')?.focus({preventScroll: wide.matches});
}

// What was on its way when the page was made may have arrived before anybody watched.
async function refresh() {
  const open = [...rows.querySelectorAll('[data-verdict=pending]')].map((one) => one.closest('li'));
  if (!open.length) return;
  const answer = await fetch(list.dataset.stream.replace('/-/stream', '/-/events.json'));
  if (!answer.ok) return;
  for (const told of (await answer.json()).events) {
    const row = known.get(told.record);
    if (row && open.includes(row)) showCounts(row, told.verdicts);
  }
}

// ── the stream

function state(name) {
  const shown = badge('state', name);
  $('state').replaceChildren(...(shown ? [shown] : []));
}

function open() {
  close();
  const address = new URL(list.dataset.stream, location.href);
  if (newest) address.searchParams.set('after', newest);
  source = new EventSource(address);
  source.addEventListener('open', () => {
    trouble();
    state(paused ? 'paused' : 'live');
    setTimeout(refresh, SETTLE_MS);
  });
  source.addEventListener('record', (message) => record(JSON.parse(message.data)));
  source.addEventListener('attempt', (message) => attempt(JSON.parse(message.data)));
  source.addEventListener('skipped', (message) => {
    skipped += JSON.parse(message.data).records;
    say();
  });
  source.addEventListener('end', () => {
    close();
    state('ended');
    later(3);
  });
  source.addEventListener('error', () => {
    if (source?.readyState === EventSource.CLOSED) ask(address);
    else state('again');
  });
}

function close() {
  clearTimeout(again);
  source?.close();
  source = null;
}

function later(seconds) {
  clearTimeout(again);
  again = setTimeout(open, seconds * 1000);
}

// EventSource does not tell why it was refused: the same address says so to a plain request.
async function ask(address) {
  close();
  state('ended');
  const stop = new AbortController();
  try {
    const answer = await fetch(address, {signal: stop.signal});
    if (answer.ok) return later(1);
    if (answer.status === 401) return trouble('You are not logged in any more.', 'Log in', '/-/login');
    const problem = (await answer.json()).problems?.[0]?.message ?? `The server answered ${answer.status}`;
    trouble(`Nothing new shows here: ${problem}.`, 'Reload', location.href);
    const wait = Number(answer.headers.get('retry-after'));
    if (wait) later(wait);
  } catch {
    state('again');
    later(3);
  } finally {
    stop.abort();
  }
}

function trouble(text = '', label = '', address = '') {
  $('trouble').hidden = !text;
  $('trouble-text').textContent = text;
  $('trouble-link').textContent = label;
  if (address) $('trouble-link').href = address;
}

document.addEventListener('visibilitychange', () => {
  if (document.hidden) close();
  else open();
});
addEventListener('pagehide', close);

// ── one event beside the list

async function choose(row, address) {
  for (const one of rows.querySelectorAll('[aria-current]')) one.removeAttribute('aria-current');
  row.querySelector('a').setAttribute('aria-current', 'true');
  detail.setAttribute('aria-busy', 'true');
  try {
    const answer = await fetch(address, {headers: {accept: 'text/html'}});
    const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html').getElementById('detail');
    if (!answer.ok || !fresh) return location.assign(address);
    detail.replaceChildren(...document.adoptNode(fresh).childNodes);
    if (!wide.matches) detail.scrollIntoView();
    detail.scrollTop = 0;
  } catch {
    location.assign(address);
  } finally {
    detail.removeAttribute('aria-busy');
  }
}

rows.addEventListener('click', (event) => {
  const link = event.target.closest('a');
  if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  history.pushState({record: link.closest('li').dataset.record}, '', link.href);
  choose(link.closest('li'), link.href);
});
addEventListener('popstate', () => {
  const number = new URL(location.href).searchParams.get('show')?.replace('record:', '');
  const row = known.get(Number(number));
  if (row?.isConnected) choose(row, location.href);
  else location.reload();
});

// ── pause and keys

function toggle() {
  paused = !paused;
  pause.setAttribute('aria-pressed', String(paused));
  state(paused ? 'paused' : source ? 'live' : 'ended');
  settle();
}

function step(by) {
  const links = [...rows.querySelectorAll('a')];
  const at = links.indexOf(document.activeElement);
  const current = links.findIndex((one) => one.hasAttribute('aria-current'));
  const next = at >= 0 ? at + by : current >= 0 ? current : 0;
  links[Math.max(0, Math.min(links.length - 1, next))]?.focus();
}

const keys = {
  j: () => step(1),
  k: () => step(-1),
  p: toggle,
  '/': () => {
    document.querySelector('.filters').open = true;
    $('q').focus();
  },
};
const remembered = 'tagserver.keys';
try {
  $('keys').checked = localStorage.getItem(remembered) !== 'off';
} catch { /* a browser may forbid it: then the keys work */ }
$('keys').addEventListener('change', () => {
  try {
    localStorage.setItem(remembered, $('keys').checked ? 'on' : 'off');
  } catch { /* the same */ }
});
document.addEventListener('keydown', (event) => {
  const typing = event.target.closest('input, select, textarea, [contenteditable]');
  if (event.key === 'Escape' && typing) return typing.blur();
  if (typing || event.metaKey || event.ctrlKey || event.altKey || !$('keys').checked) return;
  const act = keys[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});
pause.addEventListener('click', toggle);
more.addEventListener('click', showWaiting);
for (const moment of ['mouseleave', 'focusout', 'scroll']) list.addEventListener(moment, () => setTimeout(settle), {passive: true});

// ── begin

if (!('still' in list.dataset)) {
  $('live').hidden = false;
  $('reload').hidden = true;
  state('again');
  if (!document.hidden) open();
}
