"""Settings of a destination: fields of a frozen dataclass, and checks that many destinations share."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
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
) -> Any:
    """A field of a Settings dataclass.

    `doc`: one sentence for the reference. `identity`: the field says *whose account* it is (a pixel id, an
    address); rows queued under another identity are held instead of sent. `per_tag`: only `build` reads it, so that a
    tag may set it for itself; what `request` reads is the same for all that share one. `check(value)` returns what is
    wrong with a value, or None. `means`: what its texts are, so that misspelt
    ones are named: `events`, a map from names of events to the vendor's; `paths` of an event, in a list or as the
    values of a map. Types understood: str, int, float, bool, Secret, Literal[...], list[str], dict[str, str], and
    `| None` of each.
    """
    if identity and per_tag:
        raise ValueError("whose account it is cannot differ from tag to tag")
    metadata = {"doc": doc, "identity": identity, "per_tag": per_tag, "check": check, "means": means}
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
