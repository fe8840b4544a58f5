// Beside each text that can be copied: a button that does it. Without this module the text can be selected.
for (const field of document.querySelectorAll('[data-copy]')) {
  const said = document.createElement('span');
  said.className = 'muted';
  said.setAttribute('role', 'status');
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'plain';
  button.textContent = 'Copy';
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(field.value);
      said.textContent = 'Copied.';
    } catch { // a page in the clear has no clipboard
      field.select();
      said.textContent = 'Selected: copy it with Ctrl+C.';
    }
  });
  const row = document.createElement('div');
  row.className = 'row copy';
  row.append(button, said);
  field.after(row);
}
