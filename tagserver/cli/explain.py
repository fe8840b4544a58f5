"""`tagserver explain` and `tap`: what happened to an event, and what happens now."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from tagserver.cli.options import json_option, server_option
from tagserver.cli.remote import call, follow
from tagserver.cli.terminal import say, say_json
from tagserver.inbound.clients.datalayer import CLIENT
from tagserver.records.words.sentences import amount, answer_of, outcome_of
from tagserver.records.words.tables import OUTCOMES, VERDICTS
from tagserver.system.text import readable_time

_SIGNS = {"ok": "✔", "warning": "▲", "bad": "✖", "paused": "‖", "muted": "○"}
"""As on the pages, by the kind of what became of it."""
_GREETING = "Events show here as they come; tagserver explain EVENT_ID tells why a tag fired or not. Ctrl-C ends this."


@click.command()
@server_option
@click.argument("event_id")
@json_option
def explain(data: Path, env_file: Path | None, event_id: str, as_json: bool) -> None:
    """Tell what happened to an event: what each tag did and why, and what the vendors answered.

    EVENT_ID is also the number of an order, record:N, or the keyed hash of a person. Exit 1 when nothing is known.
    """
    shown = call("GET", f"/-/events/{quote(event_id, safe='')}.json", data=data, env_file=env_file)
    if as_json:
        say_json(shown)
        return
    for number, record in enumerate(shown["records"]):
        if number:
            say("")
        for line in told(record):
            say(line)


def told(record: dict[str, Any]) -> Iterator[str]:
    """A record in lines."""
    facts = [record["status"], readable_time(record["received"])]
    client = record["client"] if record["client"] != CLIENT else ""
    if record["source"]:
        facts.append(f"from {record['source']}{f' ({client})' if client else ''}")
    elif client:
        facts.append(f"by way of {client}")
    if record["container"]:
        facts.append(f"container {record['container']}")
    yield f"{record['told']['heading']}  {record['event_id'] or ''}".rstrip()
    yield f"  {', '.join(facts)}"
    if record["order"]:
        yield f"  order {', '.join(filter(None, (record['order'], amount(record))))}"
    if record["status"] == "refused" and record["count"] > 1:
        yield f"  {record['count']} of these within a minute"
    for problem in record["problems"]:
        yield f"  ! {problem['path'] + ': ' if problem['path'] else ''}{problem['message']}"
    for tag in record["tags"]:
        word = tag["told"]
        by = f" ({_decided_by(tag)})" if _decided_by(tag) else ""
        yield f"  {_SIGNS[word['kind']]} {tag['tag']} → {tag['destination']}: {_plain(word['text'])}{by}"
        for omitted in tag["omitted"]:
            yield f"      without {omitted['field']}: {omitted['why']}"
        if tag["delivery"] is not None:
            yield from _delivery(tag["delivery"])


def _decided_by(tag: dict[str, Any]) -> str:
    """The trigger or exception that decided, where the sentence does not name it."""
    asked = tag["asked"]
    if asked is not None and "value" in asked:
        return f"{'exception' if tag['reason'] == 'exception' else 'trigger'} {asked['trigger']}"
    return str(tag["detail"]) if tag["reason"] == "fired" else ""


def _delivery(delivery: dict[str, Any]) -> Iterator[str]:
    for one in delivery["attempts"]:
        said = ": ".join(text for text in (one["reason"], one["message"]) if text)
        came = f"{answer_of(one)}, {outcome_of(one['outcome']).word}"
        yield f"      {readable_time(one['at'])}  {came}  {said}".rstrip()


def _plain(text: str) -> str:
    """A sentence of the pages, without the marks of code."""
    return text.replace("`", "")


@click.command()
@server_option
@click.option("--event", default="", help="Only events of this name.")
@click.option("--tag", default="", help="Only events that this tag has sent.")
@click.option("--failed", is_flag=True, help="Only what was refused, failed, or did not arrive.")
@json_option
def tap(data: Path, env_file: Path | None, event: str, tag: str, failed: bool, as_json: bool) -> None:
    """Show events as they come, one line each, with what became of them. Ctrl-C ends it."""
    if not as_json:
        say(_GREETING, err=True)
    query = {name: text for name, text in (("name", event), ("tag", tag)) if text}
    if tag:
        query["decision"] = "send"
    for kind, message in messages(follow("/-/stream", data=data, env_file=env_file, query=query)):
        if failed and not _failed(kind, message):
            continue
        if as_json:
            say_json({"kind": kind, **message})
        elif line := line_of(kind, message):
            say(line)


def _failed(kind: str, message: dict[str, Any]) -> bool:
    if kind == "attempt":
        return message["verdict"] in ("again", "dead")
    if kind == "record":
        return message["status"] in ("refused", "rejected") or "error" in message["decisions"]
    return True


def line_of(kind: str, message: dict[str, Any]) -> str:
    """One message of the stream in a line."""
    if kind == "record":
        decisions = ", ".join(f"{count} {VERDICTS[name].word}" for name, count in message["verdicts"].items())
        name = message["told"]["heading"]
        what = f"{message['event_id'] or '-'}  {name}  {message['status']}"
        problems = "; ".join(one["message"] for one in message.get("problems", ()))
        return f"{readable_time(message['received'])}  {what}  {decisions}{problems}".rstrip()
    if kind == "attempt":
        status = "" if message["status"] is None else f" {message['status']}"
        said = f"  {message['message']}" if message["message"] else ""
        way = f"{message['tag']} → {message['destination']}"
        word = outcome_of(message["outcome"]) if message["outcome"] in OUTCOMES else VERDICTS[message["verdict"]]
        return f"{readable_time(message['at'])}  {message['event_id']}  {way}{status} {word.word}{said}"
    if kind == "skipped":
        return f"… {message['records']} events were left out here; they are on record"
    return message.get("why", "the server ends") if kind == "end" else ""


def messages(lines: Iterator[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The messages of a stream of server-sent events."""
    kind, data = "message", ""
    for line in lines:
        if line.startswith("event: "):
            kind = line.removeprefix("event: ")
        elif line.startswith("data: "):
            data += line.removeprefix("data: ")
        elif not line and data:
            yield kind, json.loads(data)
            kind, data = "message", ""
