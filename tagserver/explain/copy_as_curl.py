"""From a record to a command that posts its event once more, about nobody."""

from __future__ import annotations

from collections.abc import Mapping
from shlex import quote
from typing import Any

from tagserver.explain.asked_again import AskedAgain, asked_again
from tagserver.system.text import printable, printable_json

KEY = "$KEY"
"""What stands for the secret of a key: no record and no page has it."""
_SAID = (
    "# Posts the event once more, about an invented person, to this server: it is sent to your vendors like any other.",
    "# The same event_id is sent once; change it to send it again.",
    '# To send nothing, add the grant of a preview: --header "X-Tagserver-Preview: $GRANT"',
)


def copy_as_curl(record: Mapping[str, Any], collect: str, origin: str) -> str:
    """One command for a shell (POSIX), with comments above it. `collect`: the address of this server's `/collect`;
    `origin`: one that may post there. Raises NothingToAsk."""
    again = asked_again(record)
    said = list(_SAID)
    lines = [f"curl --request POST {quote(collect)}"]
    if record["source"] == "browser":
        lines.append(f"--header {quote(f'Origin: {printable(origin)}')}")
    else:
        said.append("# KEY: the secret of the key in server.yaml.")
        lines.append(f'--header "Authorization: Bearer {KEY}"')
    if again.consent is None:
        said.append(
            "# The record does not say what was granted. Without `consent` it goes to no vendor that needs some."
        )
    lines.append(f"--header {quote('Content-Type: application/json')}")
    lines.append(f"--data-raw {quote(printable_json(_event(again)))}")
    return "\n".join([*said, " \\\n  ".join(lines)]) + "\n"


def _event(again: AskedAgain) -> dict[str, Any]:
    """As a page would push it now. What was said of consent is never a guess: it is said or it is not."""
    event = {name: held for name, held in again.event.items() if name != "timestamp"}
    return event if again.consent is None else {**event, "consent": again.consent}
