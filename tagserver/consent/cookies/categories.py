"""Tools that ask for fixed categories and write them as plain text: OneTrust, Cookiebot, CookieYes, Complianz. Grammars
as seen in cookies of public code.

Each function gives the readings of its tool's cookies, none when they are absent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from tagserver.consent.cookies.choice import (
    CATEGORIES,
    MARKETING,
    NECESSARY,
    OPTIONAL,
    Choice,
    by_category,
    choices,
    decodings,
    plain_text,
    reading,
    unreadable,
)
from tagserver.consent.model.policy import ConsentPolicy
from tagserver.consent.model.reading import Reading

SOCIAL = "C0005"
"""OneTrust's pixels of social networks. To refuse them is to refuse ads; to accept them alone is not to accept all
ads."""
_GROUP = re.compile(r"([^:,\s]{1,64}):([01])\Z")


def onetrust(cookies: Mapping[str, str], policy: ConsentPolicy) -> list[Reading]:
    """`OptanonConsent`: `k=v&k=v`, of which `groups=C0001:1,C0002:0` counts.

    Groups have OneTrust's own ids or the site's (`consent.onetrust_groups`). A choice was made when
    `OptanonAlertBoxClosed` is there, or the visitor has clicked at least once.
    """
    raw = cookies.get("OptanonConsent")
    if not raw:
        return []
    fields = _onetrust_fields(raw)
    if len(named := [value for key, value in fields if key == "groups"]) != 1:
        return [unreadable("onetrust", "no_groups")]
    groups = [_GROUP.match(one) for one in plain_text(named[0]).split(",")]
    said = [(found[1], found[2] == "1") for found in groups if found]
    if len(said) != len(groups):
        return [unreadable("onetrust", "groups")]
    clicked = any(key == "interactionCount" and re.match(r"0*[1-9]\d*\Z", value) for key, value in fields)
    recorded = clicked or bool(cookies.get("OptanonAlertBoxClosed"))
    made = [*choices(said, {**CATEGORIES["onetrust"], **policy.onetrust_groups})]
    if SOCIAL not in policy.onetrust_groups and (SOCIAL, False) in said:
        made.append(Choice(MARKETING, False, f"{SOCIAL}:no"))
    found = reading("onetrust", made, recorded=recorded)
    return [found] if found.signals else [Reading(found.name, problems=("cmp.onetrust:no_known_group",))]


def _onetrust_fields(raw: str) -> list[tuple[str, str]]:
    """The pairs of the least decoded form that names groups: an address among them may hold & and = of its own."""
    for text in decodings(raw):
        pairs = [pair.partition("=") for pair in text.split("&")]
        if any(key == "groups" for key, _, _ in pairs):
            return [(key, value) for key, _, value in pairs]
    return []


_COOKIEBOT_FIELD = re.compile(r"\s*(\w+)\s*:\s*('[^']*'|[\w.\-]+)\s*(?:,|\Z)")


def cookiebot(cookies: Mapping[str, str], policy: ConsentPolicy) -> list[Reading]:
    """`CookieConsent`: `{stamp:'…',necessary:true,marketing:false,method:'explicit',…}`, which is no JSON; `-1` where
    the visitor's region needs no consent, `0` where he did not accept. What the values mean by Cookiebot's page for
    developers."""
    if not (raw := cookies.get("CookieConsent")):
        return []
    text = plain_text(raw).strip()
    if text == "-1":
        return [reading("cookiebot", [Choice((*NECESSARY, *OPTIONAL), True, "-1")], recorded=False)]
    if text == "0":
        return [reading("cookiebot", [Choice(OPTIONAL, False, "0")])]
    fields = _cookiebot_fields(text)
    if fields is None:
        return [unreadable("cookiebot", "form")]
    said = {name: fields[name] for name in CATEGORIES["cookiebot"] if name in fields}
    if not said or not {"true", "false"}.issuperset(said.values()):
        return [unreadable("cookiebot", "categories")]
    # Its maker: where the method is not known, as in old cookies, consent is taken as implied.
    recorded = fields.get("method") == "'explicit'"
    return [by_category("cookiebot", [(name, word == "true") for name, word in said.items()], recorded=recorded)]


def _cookiebot_fields(text: str) -> dict[str, str] | None:
    """Name → value as written, or None when it is not such a text, or says a thing twice."""
    if not (text.startswith("{") and text.endswith("}")):
        return None
    body, at = text[1:-1], 0
    fields: dict[str, str] = {}
    while at < len(body):
        found = _COOKIEBOT_FIELD.match(body, at)
        if found is None or found[1] in fields:
            return None
        fields[found[1]] = found[2]
        at = found.end()
    return fields


OLD_PREFIX = "cookielawinfo-checkbox-"
OLD_CHOICE = "viewed_cookie_policy"
_YES_NO = {"yes": True, "no": False}


def cookieyes(cookies: Mapping[str, str], policy: ConsentPolicy) -> list[Reading]:
    """`cookieyes-consent`: `consent:yes,action:yes,analytics:no,…`. Only where it is not there, its older cookies
    `cookielawinfo-checkbox-analytics=no`."""
    raw = cookies.get("cookieyes-consent")
    return _old_cookieyes(cookies) if not raw else [_new_cookieyes(raw)]


def _new_cookieyes(raw: str) -> Reading:
    pairs = [pair.partition(":") for pair in plain_text(raw).split(",")]
    fields = {name.strip(): word.strip() for name, _, word in pairs}
    if len(fields) != len(pairs) or not all(colon for _, colon, _ in pairs):
        return unreadable("cookieyes", "form")
    said = {name: fields[name] for name in CATEGORIES["cookieyes"] if fields.get(name)}
    if not _YES_NO.keys() >= set(said.values()):
        return unreadable("cookieyes", "categories")
    recorded = fields.get("action") == "yes"
    refused = recorded and fields.get("consent") == "no"
    return _cookieyes([(name, _YES_NO[word]) for name, word in said.items()], recorded=recorded, refused=refused)


def _old_cookieyes(cookies: Mapping[str, str]) -> list[Reading]:
    """The boxes are written before the visitor sees them; only the other cookie says that he chose."""
    said = {name: cookies[OLD_PREFIX + name] for name in CATEGORIES["cookieyes"] if OLD_PREFIX + name in cookies}
    if not said:
        return []
    words = [(name, _YES_NO[word]) for name, raw in said.items() if (word := plain_text(raw)) in _YES_NO]
    if len(words) < len(said):
        return [unreadable("cookieyes", "categories")]
    choice = cookies.get(OLD_CHOICE)
    return [_cookieyes(words, recorded=choice is not None, refused=choice is not None and choice != "yes")]


def _cookieyes(said: Iterable[tuple[str, bool]], *, recorded: bool, refused: bool) -> Reading:
    """Who has refused all has refused each, whatever stands there."""
    given = [(name, granted and not (refused and name != "necessary")) for name, granted in said]
    return by_category("cookieyes", given, recorded=recorded)


_COMPLIANZ = re.compile(rf"cmplz_(?:[a-z0-9]{{1,20}}_)?({'|'.join(CATEGORIES['complianz'])})\Z")
_ALLOW_DENY = {"allow": True, "deny": False}


def complianz(cookies: Mapping[str, str], policy: ConsentPolicy) -> list[Reading]:
    """One cookie for each category, `cmplz_marketing=allow`; the name may carry the site's id (`cmplz_2_marketing`).
    A choice writes all categories, but statistics alone are also allowed before there was one, where the site's
    settings want it so."""
    said: list[tuple[str, bool]] = []
    for name, raw in cookies.items():
        if raw and (found := _COMPLIANZ.match(name)):
            word = _ALLOW_DENY.get(plain_text(raw))
            if word is None:
                return [unreadable("complianz", found[1])]
            said.append((found[1], word))
    recorded = any(name != "statistics" or not allowed for name, allowed in said)
    return [by_category("complianz", said, recorded=recorded)] if said else []
