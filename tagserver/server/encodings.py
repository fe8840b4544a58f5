"""Content codings and validators: what a request allows, and whether it has the answer already."""

from __future__ import annotations

from collections.abc import Iterable

IDENTITY = "identity"


def accepted(header: str, codings: Iterable[str]) -> list[str]:
    """Those of `codings` that an Accept-Encoding header allows, in their order (RFC 9110, 12.5.3); the plain one is
    always among them, for an answer that does not come is worse than one that comes unasked."""
    wanted: dict[str, bool] = {}
    for part in header.lower().split(","):
        coding, _, parameter = part.partition(";")
        name, _, weight = parameter.partition("=")
        wanted[coding.strip()] = name.strip() != "q" or weight.strip().strip("0.") != ""
    return [one for one in codings if one == IDENTITY or wanted.get(one, wanted.get("*", False))]


def etag_of(version: str, coding: str) -> str:
    """A strong validator of these bytes: packed in another way they are others."""
    return f'"{version}"' if coding == IDENTITY else f'"{version}.{coding}"'


def is_known(header: str, etag: str) -> bool:
    """Whether an If-None-Match header names it, by weak comparison (RFC 9110, 13.1.2): a proxy that packs answers
    itself makes a strong one weak."""
    return any(one.strip().removeprefix("W/") in (etag, "*") for one in header.split(","))
