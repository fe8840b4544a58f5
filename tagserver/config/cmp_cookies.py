"""`consent.cmp_cookies` and what it needs: which consent tools' cookies are read, and what the site's own names in them
stand for."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from tagserver.config.yaml.decode import Decoder
from tagserver.config.yaml.problems import did_you_mean, known_are
from tagserver.config.yaml.source import Node
from tagserver.consent.cookies.readers import OF_VENDORS, ONLY_IN_THE_PAGE, READERS
from tagserver.consent.needs import PURPOSES

KEYS = ("cmp_cookies", "cmp_vendors", "onetrust_groups")

NamedPurposes = Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class CmpCookies:
    """The tools, and the purposes of vendors and of OneTrust's groups."""

    tools: tuple[str, ...] = ()
    vendors: NamedPurposes = field(default_factory=dict)
    onetrust_groups: NamedPurposes = field(default_factory=dict)


def compile_cmp_cookies(d: Decoder, nodes: Mapping[str, Node]) -> CmpCookies:
    """The settings under `consent:`; with problems noted, what is wrong is left out."""
    tools = _tools(d, nodes.get("cmp_cookies"))
    vendors = _purposes(d, nodes.get("cmp_vendors"), "consent.cmp_vendors")
    groups = _purposes(d, nodes.get("onetrust_groups"), "consent.onetrust_groups")
    silent = [tool for tool in tools if tool in OF_VENDORS]
    if silent and not vendors:
        message = f"{silent[0]} asks by names of your own, and nothing says what they stand for"
        hint = "write consent.cmp_vendors: {facebook_pixel: [ad_storage, ad_user_data, ad_personalization]}"
        d.problems.add("E113", nodes["cmp_cookies"].place, "consent.cmp_cookies", message, hint)
    if vendors and not silent:
        _unused(d, nodes, "cmp_vendors", OF_VENDORS)
    if groups and "onetrust" not in tools:
        _unused(d, nodes, "onetrust_groups", {"onetrust"})
    return CmpCookies(tools, vendors, groups)


def _unused(d: Decoder, nodes: Mapping[str, Node], name: str, users: Set[str]) -> None:
    hint = f"list in consent.cmp_cookies what uses it: {', '.join(sorted(users))}"
    d.problems.add("W301", nodes[name].place, f"consent.{name}", f"consent.{name} is used by nothing", hint)


def _tools(d: Decoder, node: Node | None) -> tuple[str, ...]:
    tools: dict[str, None] = {}
    for item, path in d.list(node, "consent.cmp_cookies"):
        name = d.text(item, path)
        if name is None:
            continue
        if name in READERS:
            tools[name] = None
        elif name in ONLY_IN_THE_PAGE:
            message = f"{name} keeps the choice in the browser's storage, which no request carries"
            hint = "take it out, and have the page send consent with each event"
            d.problems.add("E115", item.place, path, message, hint)
        else:
            message = f'no consent tool is called "{name}"'
            d.problems.add("E115", item.place, path, message, did_you_mean(name, READERS) or known_are(READERS))
    return tuple(tools)


def _purposes(d: Decoder, node: Node | None, path: str) -> NamedPurposes:
    found: dict[str, frozenset[str]] = {}
    for name, (_, value) in d.map(node, path).items():
        named = set()
        for item, where in d.list(value, f"{path}.{name}"):
            purpose = d.text(item, where)
            if purpose in PURPOSES:
                named.add(purpose)
            elif purpose is not None:
                hint = did_you_mean(purpose, PURPOSES) or known_are(PURPOSES)
                d.problems.add("E130", item.place, where, f'unknown purpose "{purpose}"', hint)
        found[name] = frozenset(named)
    return found
