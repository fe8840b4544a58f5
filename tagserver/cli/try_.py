"""`tagserver try EVENT.json`: what every tag would do with one event, and why. Sends nothing."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from tagserver.cli.options import GivenPath, config_option, json_option, open_folder, print_problems
from tagserver.cli.terminal import give_up, say, say_json, say_text
from tagserver.config.model import Container
from tagserver.config.server import ServerConfig
from tagserver.event.json_text import UNREADABLE, read_json
from tagserver.explain.differences import field_change
from tagserver.explain.doors import arrived
from tagserver.explain.try_ import BadQuestion, body_text, try_event
from tagserver.inbound.shapes.commands import is_call
from tagserver.outgoing.redaction import CLEANED
from tagserver.system.files import os_reason
from tagserver.system.time import Time

_MARKS = {"send": "✔", "restrict": "◐", "block": "⊘", "skip": "○", "error": "✖"}


@click.command("try")
@click.argument("event", type=GivenPath(allow_dash=True))
@config_option
@json_option
@click.option("--request", "show_request", is_flag=True, help="Show the requests too.")
@click.option(
    "--door",
    metavar="ADDRESS",
    help="EVENT is what another system sends to this address, such as /webhook/crm or '/g/collect?en=…'.",
)
@click.option("--header", "headers", multiple=True, metavar="NAME:VALUE", help="With --door: a header of that request.")
def try_(
    event: Path,
    config: Path,
    env_file: Path | None,
    as_json: bool,
    show_request: bool,
    door: str | None,
    headers: tuple[str, ...],
) -> None:
    """Show what would happen to EVENT (a file, or - for standard input): every tag's decision with its reason.

    The file holds an event, or {"event": {...}, "headers": {}, "cookies": {}, "ip": "", "source": "", "now": ""}.
    With --door it is the body of a request, empty (/dev/null) where all stands in the address, which is a page's, or is
    signed as its sender would; its secret need not be there.
    """
    asked = _read(event) if door is None else {}
    body = _bytes(event) if door is not None else b""
    loaded = open_folder(config, env_file).compile()
    if loaded.container is None or loaded.server is None:
        print_problems(loaded.problems, config)
        raise SystemExit(1)
    if door is not None:
        raise SystemExit(_at_door(loaded.container, loaded.server, door, body, headers, as_json, show_request))
    try:
        answer = try_event(loaded.container, loaded.server, asked, Time().now())
    except BadQuestion as bad:
        give_up(f"{event}: {bad}", 2)
    if as_json:
        say_json(answer)
    else:
        _print(answer, show_request)
    raise SystemExit(0 if answer["event"] is not None else 1)


def _at_door(
    container: Container,
    server: ServerConfig,
    door: str,
    body: bytes,
    headers: Sequence[str],
    as_json: bool,
    show_request: bool,
) -> int:
    """Show what a body makes at an address; the exit code."""
    pairs = [one.partition(":") for one in headers]
    if wrong := next((name for name, colon, _ in pairs if not (colon and name.strip())), None):
        give_up(f"--header {wrong!r}: write NAME:VALUE", 2)
    now = Time().now()
    try:
        found = arrived(server, door, body, {name.strip(): text.strip() for name, _, text in pairs}, now)
        answers = [try_event(container, server, one, now, client=found.client) for one in found.asked]
    except BadQuestion as bad:
        give_up(f"{door}: {bad}", 2)
    if as_json:
        passed = [{"code": one.code, "message": one.message, "event_id": one.event_id} for one in found.passed]
        notes = [msgspec.to_builtins(one) for one in found.notes]
        say_json({"source": found.source, "events": answers, "passed": passed, "problems": notes})
        return 0
    for note in found.notes:
        say(f"⚠ {note.message}")
    for one in found.passed:
        say(f"○ passed over, {one.code}: {one.message}")
    for answer in answers:
        _print(answer, show_request)
    return 0


def _bytes(path: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        give_up(f"{path} cannot be read: {os_reason(error)}", 2)


def _read(path: Path) -> dict[str, Any]:
    try:
        value = read_json(_bytes(path), msgspec.json.Decoder())
    except UNREADABLE as error:
        give_up(f"{path} is not JSON: {error}", 2)
    if is_call(value):
        return {"event": value}  # of gtag's, for example, which are lists
    if not isinstance(value, dict):
        give_up(f"{path} holds no JSON object; give one event", 2)
    # The object of try.json holds the event as an object; in an event, `event` is a name.
    return value if isinstance(value.get("event"), dict) or is_call(value.get("event")) else {"event": value}


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
