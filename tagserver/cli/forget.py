"""`tagserver forget`: erase everything that is kept of one person."""

from __future__ import annotations

from pathlib import Path

import click

from tagserver.cli.options import json_option, server_option
from tagserver.cli.remote import call
from tagserver.cli.terminal import say, say_json
from tagserver.system.text import counted, letters, readable_time

LONGEST = 900.0
"""Seconds: a walk through a long queue, and the time that vendors have to answer."""


@click.command()
@server_option
@click.option("--email", multiple=True, help="The address, or its SHA-256.")
@click.option("--phone", multiple=True, help="The number with its country code, or the SHA-256 of its digits.")
@click.option("--user-id", multiple=True, help="As the shop sends it.")
@click.option("--client-id", multiple=True, help="As the page sends it.")
@click.option("--order", multiple=True, help="Number of an order: erases its records alone.")
@json_option
def forget(
    data: Path,
    env_file: Path | None,
    email: tuple[str, ...],
    phone: tuple[str, ...],
    user_id: tuple[str, ...],
    client_id: tuple[str, ...],
    order: tuple[str, ...],
    as_json: bool,
) -> None:
    """Erase what is kept of one person: queue, dead letters, records, what waits for consent, and traces in the files.

    Give every identifier that you know: a row is found by any of them. Vendors keep what they have; ask them yourself.
    Exit 1 when something is left that is still on its way to a vendor.
    """
    identifiers = {"email": email, "phone": phone, "user_id": user_id, "client_id": client_id, "order": order}
    if not any(identifiers.values()):
        raise click.UsageError("say who: --email, --phone, --user-id or --client-id, or --order")
    body = {kind: list(texts) for kind, texts in identifiers.items() if texts}
    done = call("POST", "/-/forget.json", data=data, env_file=env_file, body=body, timeout=LONGEST, wrong_usage=True)
    left = sum(counts["left"] for counts in done["destinations"].values())
    if as_json:
        say_json(done)
    else:
        for name, counts in done["destinations"].items():
            on_its_way = f", {counts['left']} still on the way to the vendor" if counts["left"] else ""
            say(f"{name}: {counts['queue']:,} of the queue, {letters(counts['dead'])}{on_its_way}.")
        kept = counted(done["once_per"], "key")
        say(f"{counted(done['held'], 'event')} that waited for consent, {kept} of once_per.")
        if done["records"] is not None:
            say(f"{counted(done['records'], 'record')} of what happened to events.")
        say("Nothing is left in the queue's files." if done["clean"] else "Not all is erased yet: run it again.")
        if copies := ", ".join(str(data / name) for name in done.get("copies", ())):
            say(f"Not looked through, of an earlier time: {copies}. Remove that when nobody needs it any more.")
        if done.get("journal"):
            say(f"A restored backup would not know of it: {done['journal']}")
        if done["refused_until"] is not None:
            say(f"Events of this person are not sent until {readable_time(done['refused_until'])}.")
    raise SystemExit(0 if done["clean"] and not left else 1)
