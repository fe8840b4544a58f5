"""`tagserver preview`: a link by which one visitor's events go another way, and what is seen of them."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import click

from tagserver.cli.options import GivenPath, json_option, server_option
from tagserver.cli.remote import call, user_name
from tagserver.cli.terminal import give_up, say, say_json
from tagserver.config.version import SERVER_FILE
from tagserver.config.yaml.folder import read_texts
from tagserver.preview.drafts import MOST_BYTES
from tagserver.preview.grant import HEADER
from tagserver.preview.session import LONGEST, SHORTEST
from tagserver.system.files import os_reason
from tagserver.system.text import counted, readable_time

_SENDS = {
    "dry": "Nothing is sent: what each tag would do is shown.",
    "test": "Vendors get its events as tests; where one has no test mode, nothing is sent.",
    "live": "Its events are sent for real, and count.",
}


@click.command()
@server_option
@json_option
@click.option(
    "--draft", metavar="DIR", type=GivenPath(file_okay=False), help="Files that do not serve yet; for its events alone."
)
@click.option(
    "--minutes", type=click.IntRange(SHORTEST, LONGEST), default=60, show_default=True, help="How long it lasts."
)
@click.option("--send", type=click.Choice(tuple(_SENDS)), default="dry", show_default=True, help="What is sent of it.")
@click.option("--origin", default="", metavar="URL", help="The shop.  [default: the only one of collect.origins]")
@click.option(
    "--test-code",
    "codes",
    multiple=True,
    metavar="CODE",
    help="What the vendor's test tool shows, for --send test; of several destinations: DESTINATION=CODE.",
)
@click.option("--end", metavar="ID", help="End a session, and start none.")
def preview(
    data: Path,
    env_file: Path | None,
    as_json: bool,
    draft: Path | None,
    minutes: int,
    send: str,
    origin: str,
    codes: tuple[str, ...],
    end: str | None,
) -> None:
    """Print a link to the shop. In the tab where it is opened, the page shows what each tag does with each event, and
    with --draft it is the draft that decides. Everybody else stays on what serves."""
    if end is not None:
        body = {"id": end, "by": user_name()}
        call("POST", "/-/preview/sessions/end.json", data=data, env_file=env_file, body=body, wrong_usage=True)
        say("It has ended.")
        return
    order: dict[str, Any] = {"minutes": minutes, "send": send, "origin": origin, "by": user_name()}
    order["test_codes"] = dict(_code(one) for one in codes)
    if draft is not None:
        order["files"] = _files(draft)
    made = call("POST", "/-/preview/sessions.json", data=data, env_file=env_file, body=order, refused=True)
    if as_json:
        say_json(made)
    else:
        _print(made, send)
    if not made["ok"]:
        raise SystemExit(1)


def _code(text: str) -> tuple[str, str]:
    name, sign, code = text.partition("=")
    return (name, code) if sign else ("", text)


def _files(draft: Path) -> dict[str, str]:
    try:
        texts = read_texts(draft)
    except OSError as error:
        give_up(f"{draft} cannot be read: {os_reason(error)}", 2)
    texts.pop(SERVER_FILE, None)
    if (size := sum(map(len, texts.values()))) > MOST_BYTES:
        give_up(f"the files in {draft} have {size} bytes, and a draft {MOST_BYTES} at most")
    return {name: base64.b64encode(text).decode() for name, text in texts.items()}


def _print(made: dict[str, Any], send: str) -> None:
    for one in made["problems"]:
        say(f"{one['file']}:{one['line']}: {one['message']}", err=True)
        if one["hint"]:
            say(f"    {one['hint']}", err=True)
    if not made["ok"]:
        say(f"tagserver: no session: {made['detail']}", err=True)
        return
    session = made["session"]
    say(session["link"])
    say("")
    draft = f"A draft of {counted(len(session['files']), 'file')} decides (container {session['draft']})"
    until = readable_time(session["expires"])
    say(f"{draft if session['draft'] else 'What serves decides'}, until {until}. {_SENDS[send]}")
    say(f"End it with: tagserver preview --end {session['id']}")
    say(f"For curl and webhooks: {HEADER}: {session['grant']}")
