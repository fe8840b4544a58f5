// A row of Preview's list. What comes from the server becomes text of a row that a <template> of the page holds, and
// nothing else: no HTML is made here, and no words. `told` is a SUMMARY, as `/-/events.json` gives it; `base` the page's
// address.

const whole = new Intl.NumberFormat('en');
const local = new Intl.DateTimeFormat(undefined, {dateStyle: 'full', timeStyle: 'long'});

function part(row, name) {
  return row.querySelector(`.${name}`);
}

export function badge(kind, name) {
  return document.getElementById('badges').content.querySelector(`[data-${kind}="${name}"]`)?.cloneNode(true) ?? null;
}

export function showCounts(row, found) {
  row.counts = found;
  const shown = [];
  for (const one of document.getElementById('badges').content.querySelectorAll('[data-verdict]')) {
    const number = found[one.dataset.verdict];
    if (!number) continue;
    const made = one.cloneNode(true);
    made.querySelector('.count').textContent = whole.format(number);
    shown.push(made);
  }
  part(row, 'verdicts').replaceChildren(...shown);
}

export function fill(row, told, base) {
  const at = new Date(told.received);
  const time = row.querySelector('time');
  time.dateTime = at.toISOString();
  time.textContent = at.toISOString().slice(11, 19);
  time.title = local.format(at);
  row.dataset.record = told.record;
  row.dataset.id = told.event_id ?? '';
  part(row, 'heading').textContent = told.told.heading;
  part(row, 'what').textContent = told.told.facts;
  const status = told.status === 'accepted' ? null : badge('status', told.status);
  part(row, 'status').replaceChildren(...(status ? [status] : []));
  part(row, 'why').textContent = (told.problems ?? []).map((one) => one.message).join('; ');
  showCounts(row, told.verdicts);
  const address = new URL(base, location.href);
  address.searchParams.set('show', `record:${told.record}`);
  address.hash = 'detail';
  row.querySelector('a').href = address;
}

export function newRow(told, base) {
  const row = document.getElementById('row').content.firstElementChild.cloneNode(true);
  fill(row, told, base);
  return row;
}

// How often each verdict is in a row, as it stands there.
export function countsOf(row) {
  if (row.counts) return row.counts;
  const found = {};
  for (const one of row.querySelectorAll('[data-verdict]')) {
    found[one.dataset.verdict] = Number(one.querySelector('.count').textContent.replaceAll(',', ''));
  }
  return found;
}
