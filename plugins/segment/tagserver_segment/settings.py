"""What is set for all write keys, and for one."""

# ruff: noqa: RUF009 (`setting` makes a dataclass field; it is no default that instances share)

from __future__ import annotations

from dataclasses import dataclass

from tagserver.plugin import setting
from tagserver_segment.consent import PURPOSES


def _categories(value: dict[str, list[str]]) -> str | None:
    strange = next((one for purposes in value.values() for one in purposes if one not in PURPOSES), None)
    return None if strange is None else f"{strange} is none of {', '.join(PURPOSES)}"


@dataclass(frozen=True, kw_only=True)
class Shared:
    """What counts for all write keys."""

    consent_categories: dict[str, list[str]] = setting(
        "Category of the consent tool → the purposes it stands for, beside OneTrust's C0001 to C0004; an empty list "
        "for one that stands for none of them.",
        default_factory=dict,
        check=_categories,
    )


@dataclass(frozen=True, kw_only=True)
class WriteKey:
    """The settings of one write key, beside `secret`, `consent` and `basis`."""

    browser: bool | None = setting(
        "Whether pages have this key: then their origin counts, and their own address and agent. Left out: a key "
        "without `consent` is a page's. false: a server's, of whose people only their own word of consent counts.",
        default=None,
    )
