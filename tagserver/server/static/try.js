// The answer comes into the page as it stands: what was typed, and where the cursor is, stay. Without this module the
// form is posted as any other.
const form = document.querySelector('#try');
const parts = () => document.querySelectorAll('[data-part]');
let asked = 0;

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const button = event.submitter;
  const turn = ++asked;
  const result = document.querySelector('#result');
  result.setAttribute('aria-busy', 'true');
  if (button) button.disabled = true;
  try {
    const answer = await fetch(button?.formAction || form.action, {
      method: 'POST', body: new URLSearchParams(new FormData(form)), headers: {accept: 'text/html'},
    });
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    if (turn !== asked) return;
    if (page.querySelector('#try')) show(page); else refused(page);
  } catch {
    refused(null);
  } finally {
    if (button) button.disabled = false;
    result.removeAttribute('aria-busy');
  }
});

// Every part of the page that the answer is made of; of the fields only whether they are wrong.
function show(page) {
  for (const part of parts()) {
    const other = page.getElementById(part.id);
    if (other) part.replaceChildren(...other.cloneNode(true).childNodes);
  }
  for (const field of form.querySelectorAll('[aria-describedby]')) {
    const wrong = page.getElementById(field.id)?.getAttribute('aria-invalid');
    if (wrong) field.setAttribute('aria-invalid', 'true'); else field.removeAttribute('aria-invalid');
  }
  const wrong = form.querySelector('[aria-invalid]');
  if (wrong) wrong.closest('details')?.setAttribute('open', '');
  (wrong || document.querySelector('#result')).focus();
}

// Another page came, or none: a login that is over, a server that is gone. What was typed is still there.
function refused(page) {
  const said = page ? page.querySelector('main .lead')?.textContent.trim() || 'You are not logged in any more: log in in ' +
    'another tab, and try again here.' : 'The server did not answer. Try again in a moment.';
  const told = document.createElement('p');
  told.className = 'callout bad';
  told.setAttribute('role', 'alert');
  told.textContent = said;
  document.querySelector('#result').replaceChildren(told);
}
