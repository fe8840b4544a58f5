"""Tools that ask by the site's own names, of vendors, services or categories: Axeptio, Commanders Act, Didomi, Klaro,
tarteaucitron. What the names stand for is the site's to say: `consent.cmp_vendors`. Grammars as seen in cookies of
public code.

Each function gives the readings of its tool's cookies, none when they are absent.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from tagserver.consent.cookies.choice import OPTIONAL, Choice, by_vendor, json_object, plain_text, reading, unreadable
from tagserver.consent.model.policy import ConsentPolicy
from tagserver.consent.model.reading import Reading


def axeptio(cookies: Mapping[str, str], policy: ConsentPolicy) -> list[Reading]:
    """`axeptio_cookies`: JSON, vendor → true or false beside `$$` fields; `$$completed` once the visitor chose. Where
    it is missing, `axeptio_authorized_vendors` lists names: `,a,b,`."""
    if raw := cookies.get("axeptio_cookies"):
        value = json_object(plain_text(raw))
        if value is None:
            return [unreadable("axeptio", "not_json")]
        said = {name: word for name, word in value.items() if name in policy.cmp_vendors}
        if not all(isinstance(word, bool) for word in said.values()):
            return [unreadable("axeptio", "vendors")]
        return [by_vendor("axeptio", said, policy, recorded=value.get("$$completed") is True)]
    if raw := cookies.get("axeptio_authorized_vendors"):
        text = plain_text(raw)
        if not (text.startswith(",") and text.endswith(",")):
            return [unreadable("axeptio", "authorized_vendors")]
        # The list does not say whether anybody was asked: a preset.
        return [by_vendor("axeptio", dict.fromkeys(text.split(","), True), policy, recorded=False)]
    return []


IN, OUT = "0", "1"


def commanders_act(cookies: Mapping[str, str], policy: ConsentPolicy) -> list[Reading]:
    """`TC_PRIVACY`: `STATUS@VERSIONS@CATEGORIES@…`, status 0 for in and 1 for out; categories are the accepted ones,
    `4,1,5` or `ALL`, by the site's numbers. The vendor calls the form unstable."""
    if not (raw := cookies.get("TC_PRIVACY")):
        return []
    fields = plain_text(raw).split("@")
    # Without an @ behind them the categories may be cut off: 12 would be read as 1.
    if len(fields) < 4 or fields[0] not in (IN, OUT):
        return [unreadable("commanders_act", "form")]
    if fields[0] == OUT:
        return [reading("commanders_act", [Choice(OPTIONAL, False, "out")])]
    if fields[2] == "ALL":
        return [reading("commanders_act", [Choice(OPTIONAL, True, "ALL")])]
    accepted = fields[2].split(",") if fields[2] else []
    if not all(number.isascii() and number.isdigit() for number in accepted):
        return [unreadable("commanders_act", "categories")]
    # The list is whole, so a category that is not on it was refused.
    said = {name: name in accepted for name in policy.cmp_vendors if name.isdigit()}
    return [by_vendor("commanders_act", said, policy)]


def didomi(cookies: Mapping[str, str], policy: ConsentPolicy) -> list[Reading]:
    """`didomi_token`: base64 of JSON, `{vendors: {enabled, disabled}, purposes: {enabled, disabled}}`, with the site's
    ids of both. Its binary form, `didomi_dcs`, speaks of vendors by numbers of the maker's own: it is not read, and
    counts as a refusal where it stands alone."""
    if not (raw := cookies.get("didomi_token")):
        return [unreadable("didomi", "didomi_dcs")] if cookies.get("didomi_dcs") else []
    value = json_object(_from_base64(plain_text(raw)))
    if value is None:
        return [unreadable("didomi", "not_base64_json")]
    said: dict[str, bool] = {}
    purposes = value.get("purposes")
    # A vendor has consent only together with its purposes: who has refused them all has accepted nobody.
    refused = isinstance(purposes, dict) and bool(purposes.get("disabled")) and not purposes.get("enabled")
    for group in ("vendors", "purposes"):
        for list_name, granted in (("enabled", True), ("disabled", False)):
            names = _names(value.get(group), list_name)
            if names is None:
                return [unreadable("didomi", group)]
            # What stands in both lists is refused.
            said |= {name: granted and not refused and said.get(name, True) for name in names}
    return [by_vendor("didomi", said, policy)] if said else []


def _from_base64(text: str) -> str:
    """What was packed; empty for no base64, or no UTF-8 in it."""
    text = text.rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode()
    except ValueError:
        return ""


def _names(group: Any, list_name: str) -> list[str] | None:
    """The texts of a list, none where it is missing; None when it is something else."""
    if group is None:
        return []
    names = group.get(list_name, []) if isinstance(group, dict) else None
    return names if isinstance(names, list) and all(isinstance(name, str) for name in names) else None


def klaro(cookies: Mapping[str, str], policy: ConsentPolicy) -> list[Reading]:
    """`klaro`: JSON, service → true or false. It is written when the visitor chooses."""
    if not (raw := cookies.get("klaro")):
        return []
    value = json_object(plain_text(raw))
    if value is None:
        return [unreadable("klaro", "not_json")]
    if not all(isinstance(word, bool) for word in value.values()):
        return [unreadable("klaro", "services")]
    return [by_vendor("klaro", value, policy)]


_ANSWERS = {"true": True, "false": False, "wait": None}


def tarteaucitron(cookies: Mapping[str, str], policy: ConsentPolicy) -> list[Reading]:
    """`tarteaucitron`: `!service=true!service=false!service=wait`; a service that waits has no answer yet. Grammar as
    the tool's users describe it."""
    if not (raw := cookies.get("tarteaucitron")):
        return []
    first, *pairs = (plain_text(raw) or "?").split("!")
    words = [pair.partition("=") for pair in pairs]
    if first or not words or not all(name and word in _ANSWERS for name, _, word in words):
        return [unreadable("tarteaucitron", "form")]
    said: dict[str, bool] = {}
    for name, _, word in words:
        if (granted := _ANSWERS[word]) is not None:
            said[name] = granted and said.get(name, True)
    return [by_vendor("tarteaucitron", said, policy)] if said else []
