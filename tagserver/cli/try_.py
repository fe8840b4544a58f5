"""`tagserver try EVENT.json`: what every tag would do with one event, and why. Sends nothing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from tagserver.cli.options import GivenPath, config_option, json_option, open_folder, print_problems
from tagserver.cli.terminal import give_up, say, say_json, say_text
from tagserver.event.json_text import UNREADABLE, read_json
from tagserver.explain.differences import field_change
from tagserver.explain.try_ import BadQuestion, body_text, try_event
from tagserver.outgoing.redaction import CLEANED
from tagserver.system.files import os_reason
from tagserver.system.time import Time

_MARKS = {"send": "✔", "restrict": "◐", "block": "⊘", "skip": "○", "error": "✖"}


@click.command("try")
@click.argument("event", type=GivenPath(allow_dash=True))
@config_option
@json_option
@click.option("--request", "show_request", is_flag=True, help="Show the requests too.")
def try_(event: Path, config: Path, env_file: Path | None, as_json: bool, show_request: bool) -> None:
    """Show what would happen to EVENT (a file, or - for standard input): every tag's decision with its reason.

    The file holds an event, or {"event": {...}, "headers": {}, "cookies": {}, "ip": "", "source": "", "now": ""}.
    """
    asked = _read(event)
    loaded = open_folder(config, env_file).compile()
    if loaded.container is None or loaded.server is None:
        print_problems(loaded.problems, config)
        raise SystemExit(1)
    try:
        answer = try_event(loaded.container, loaded.server, asked, Time().now())
    except BadQuestion as bad:
        give_up(f"{event}: {bad}", 2)
    if as_json:
        say_json(answer)
    else:
        _print(answer, show_request)
    raise SystemExit(0 if answer["event"] is not None else 1)


def _read(path: Path) -> dict[str, Any]:
    try:
        text = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
        value = read_json(text, msgspec.json.Decoder())
    except OSError as error:
        give_up(f"{path} cannot be read: {os_reason(error)}", 2)
    except UNREADABLE as error:
        give_up(f"{path} is not JSON: {error}", 2)
    if not isinstance(value, dict):
        give_up(f"{path} holds no JSON object; give one event", 2)
    # The object of try.json holds the event as an object; in an event, `event` is a name.
    return value if isinstance(value.get("event"), dict) else {"event": value}


def _print(answer: dict[str, Any], show_request: bool) -> None:
    for problem in answer["problems"]:
        if problem["code"] == "unreadable_consent":
            continue  # said below, with what is wrong
        path, message = problem["path"] or "event", problem["message"]
        say(f"⚠ {message}" if message.startswith(path) else f"⚠ {path}: {message}")
    event = answer["event"]
    if event is None:
        return
    states = {name: purpose["state"] for name, purpose in answer["consent"]["purposes"].items()}
    said = "  ".join(f"{name} {state}" for name, state in states.items() if state != "unset")
    say(f"{event['event']}  {event['event_id']}   consent: {said or 'nothing said, which counts as denied'}")
    for problem in answer["consent"]["problems"]:
        place, _, why = problem.partition(":")
        say(f"  ⚠ {place or 'consent'}: {why.strip()}")
    width = max((len(tag["tag"]) for tag in answer["tags"]), default=0)
    for tag in answer["tags"]:
        mark = _MARKS[tag["decision"]]
        say(f"  {mark} {tag['tag']:<{width}}  {tag['decision']:<8} {tag['reason']}: {tag['detail']}")
        for one in tag.get("transformations", ()):
            say(f"      transformation {one['name']}")
            for field in one["fields"]:
                say(f"        {field_change(field)}")
        request = tag["request"]
        if request and "url" in request:
            size = len(request["content"].encode())
            say(f"      → {tag['destination']} {request['method']} {request['url']} ({size} bytes)")
            if show_request:
                say_text(body_text(request))
        for omitted in tag["omitted"]:
            reason: str = omitted["why"]
            said = "cleaned" if reason.startswith(CLEANED) else "left out"
            say(f"      {said} {omitted['field']}: {reason.removeprefix(CLEANED)}")
    sent = sum(tag["request"] is not None and tag["decision"] != "error" for tag in answer["tags"])
    say(f"{sent} would be sent. Nothing was sent.")
