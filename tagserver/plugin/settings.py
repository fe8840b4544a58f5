"""Settings of a destination: fields of a frozen dataclass, checks that many destinations share (a country, an address,
a sink's folder), and the day on which a set API version ends."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from tagserver.event.places import country_code


def setting(
    doc: str,
    *,
    default: Any = dataclasses.MISSING,
    default_factory: Callable[[], Any] | Any = dataclasses.MISSING,
    identity: bool = False,
    per_tag: bool = False,
    check: Callable[[Any], str | None] | None = None,
    means: Literal["events", "paths"] | None = None,
    test: bool = False,
) -> Any:
    """A field of a Settings dataclass.

    `doc`: one sentence for the reference. `identity`: the field says *whose account* it is (a pixel id, an
    address); rows queued under another identity are held instead of sent. `per_tag`: only `build` reads it, so that a
    tag may set it for itself; what `request` reads is the same for all that share one. `check(value)` returns what is
    wrong with a value, or None. `means`: what its texts are, so that misspelt
    ones are named: `events`, a map from names of events to the vendor's; `paths` of an event, in a list or as the
    values of a map. `test`: with it the vendor takes events as a test: a text is the code that the vendor's test tool
    shows, a flag is set; "Send as test" sets it for one event.

    Types understood: str, int, float, bool, Secret, Literal[...], list[str], dict[str, str], and `| None` of each.
    """
    if identity and per_tag:
        raise ValueError("whose account it is cannot differ from tag to tag")
    metadata = {"doc": doc, "identity": identity, "per_tag": per_tag, "check": check, "means": means, "test": test}
    if default_factory is not dataclasses.MISSING:
        return dataclasses.field(default_factory=default_factory, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def addresses_in(settings: Any) -> Iterator[tuple[dataclasses.Field[Any], str]]:
    """The fields of a Settings dataclass that say whom to call (`url`, and what ends in `_url`), with what they say."""
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if (field.name == "url" or field.name.endswith("_url")) and isinstance(value, str):
            yield field, value


def country_fault(value: str) -> str | None:
    """A check for `default_country` and its like: what is wrong with the two letters of a country, or None."""
    return None if len(value) == 2 and country_code(value) else "write two letters, such as DE"


def api_url_fault(value: str) -> str | None:
    """A check for the address of a vendor's API: what is wrong with it, or None."""
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 (raises for a port that is none)
        plain = not (parts.query or parts.fragment or "@" in parts.netloc)
    except ValueError:
        plain = False
    if plain and parts.scheme in ("http", "https") and parts.hostname:
        return None
    return "write an address such as https://api.example.com, without query and credentials"


OWN_FILES = frozenset(
    {
        *("address", "admin-token", "audit", "install-key", "last-good.json", "pinned.json", "serving.json", "t"),
        *("restore-unfinished", "restored.json", "versions", ".restoring"),
    }
)
"""What the server itself keeps in its data folder, beside the queue."""
OWN_BEGINNINGS = ("outbox.db", "records.db", "before-restore-")
"""What the names of the queue's and the records' files begin with, and of folders that a restore has moved aside."""


def folder_fault(value: str) -> str | None:
    """A check for the folder of a sink: what is wrong with it, or None. A relative one lies below the server's data
    folder (`data_folder / value`), and is none of the server's own."""
    if not value.strip() or not value.isprintable():
        return "write a folder, such as events, or /srv/events"
    path = Path(value)
    if "{" in value or "%" in value or ".." in path.parts:
        return "write one plain folder: there are no templates and no .. in it"
    if not path.is_absolute() and path.parts and is_own(path.parts[0]):
        return f"{path.parts[0]} is the server's own in its data folder; write another name"
    return None


def is_own(name: str) -> bool:
    """Whether a name in the data folder is the server's own."""
    return name in OWN_FILES or name.startswith(OWN_BEGINNINGS)


NOTICE = timedelta(days=120)
"""How long before the end of a version it is said: events that are refused for it are lost at the worst moment. Time to
read a changelog and to try the next one."""


def ending(ends: date | None, today: date) -> str | None:
    """What to say of a version that ends on a day, or None while that is far off or not known."""
    if ends is None or ends - today > NOTICE:
        return None
    if ends <= today:
        return f"the vendor's API version has ended on {ends}"
    return f"the vendor's API version ends on {ends}, in {(ends - today).days} days"
