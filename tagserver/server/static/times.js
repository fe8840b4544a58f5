// Times stand in UTC, as in logs and commands. To whoever points at one it is also told by their own clock.
const local = new Intl.DateTimeFormat(undefined, {dateStyle: 'full', timeStyle: 'long'});
for (const one of document.querySelectorAll('time[datetime]')) {
  const at = new Date(one.dateTime);
  if (!Number.isNaN(at.getTime())) one.title = local.format(at);
}
