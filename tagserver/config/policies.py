"""The blocks `consent:` and `privacy:`: how the site wants signals to be read, and what leaves in addresses."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Literal, cast

from tagserver.config.lint.near_names import NearNames
from tagserver.config.yaml.decode import Decoder
from tagserver.config.yaml.problems import Problems
from tagserver.config.yaml.source import Node
from tagserver.config.yaml.suggestions import did_you_mean, known_are
from tagserver.consent.cookies.readers import OF_VENDORS, ONLY_IN_THE_PAGE, READERS
from tagserver.consent.needs import EEA, LONGEST_HOLD, OPT_IN_REGIONS, PURPOSES, ConsentPolicy
from tagserver.event.spelling import DERIVED_ROOTS, canonical, nfc, part_of
from tagserver.expressions.reshape import KEPT
from tagserver.outgoing.outgoing import PrivacyPolicy
from tagserver.outgoing.path_filter import Path

CMP_KEYS = ("cmp_cookies", "cmp_vendors", "onetrust_groups")

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


CONSENT_KEYS = (
    *CMP_KEYS,
    "tcf_analytics",
    "tcf_exempt",
    "opt_in_regions",
    "gpc",
    "gpc_scope",
    "dnt",
    "hold",
    "retroactive",
)
_COUNTRY = re.compile(r"[A-Z]{2}\Z")
_REGION = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?\Z")


def compile_consent(node: Node | None, problems: Problems) -> ConsentPolicy:
    """The policy; with problems noted, the strict defaults stand in for what is wrong."""
    d = Decoder(problems)
    nodes = {name: held for name, (_, held) in d.map(node, "consent", CONSENT_KEYS).items()}
    cookies = compile_cmp_cookies(d, nodes)
    regions: frozenset[str] = OPT_IN_REGIONS
    if "opt_in_regions" in nodes:
        named: set[str] = set()
        for item, path in d.list(nodes["opt_in_regions"], "consent.opt_in_regions"):
            text = d.text(item, path)
            if text == "EEA":
                named |= EEA
            elif text is not None and _REGION.match(text):
                named.add(text)
            elif text is not None:
                problems.add("E115", item.place, path, f'"{text}" is no region', "write EEA, DE or US-CA")
        regions = frozenset(named)
    return ConsentPolicy(
        opt_in_regions=regions,
        gpc=cast(
            Literal["restrict", "block", "ignore"],
            d.choice(nodes.get("gpc"), "consent.gpc", ("restrict", "block", "ignore"), "restrict"),
        ),
        gpc_scope=cast(
            Literal["global", "us_only"],
            d.choice(nodes.get("gpc_scope"), "consent.gpc_scope", ("global", "us_only"), "global"),
        ),
        dnt=cast(
            Literal["ignore", "restrict"], d.choice(nodes.get("dnt"), "consent.dnt", ("ignore", "restrict"), "ignore")
        ),
        hold=_hold(d, nodes.get("hold")),
        retroactive=cast(
            Literal["page", "session"],
            d.choice(nodes.get("retroactive"), "consent.retroactive", ("page", "session"), "page"),
        ),
        tcf_analytics=d.flag(nodes.get("tcf_analytics"), "consent.tcf_analytics"),
        tcf_exempt=_countries(d, nodes.get("tcf_exempt"), "consent.tcf_exempt"),
        cmp_cookies=cookies.tools,
        cmp_vendors=cookies.vendors,
        onetrust_groups=cookies.onetrust_groups,
    )


def _countries(d: Decoder, node: Node | None, path: str) -> tuple[str, ...]:
    countries = []
    for item, where in d.list(node, path):
        text = d.text(item, where)
        if text is not None and _COUNTRY.match(text):
            countries.append(text)
        elif text is not None:
            d.problems.add("E115", item.place, where, f'"{text}" is no country', "write two capital letters: DE")
    return tuple(countries)


def _hold(d: Decoder, node: Node | None) -> float:
    wait = d.duration(node, "consent.hold", 0.0)
    if node is not None and wait > LONGEST_HOLD:
        d.problems.add(
            "E115", node.place, "consent.hold", f"consent.hold is at most {LONGEST_HOLD:g}s", "write 2s, or less"
        )
        return 0.0
    return wait


PRIVACY_KEYS = ("query_allow", "sensitive")


def compile_privacy(node: Node | None, near: NearNames, problems: Problems) -> PrivacyPolicy:
    """The policy; what is wrong in it is noted, and not allowed."""
    d = Decoder(problems)
    nodes = {name: held for name, (_, held) in d.map(node, "privacy", PRIVACY_KEYS).items()}
    return PrivacyPolicy(_query_allow(d, nodes.get("query_allow")), _sensitive(d, nodes.get("sensitive"), near))


def _query_allow(d: Decoder, node: Node | None) -> tuple[str, ...] | None:
    if node is None:
        return None
    allowed: list[str] = []
    for item, path in d.list(node, "privacy.query_allow"):
        text = d.text(item, path)
        if text is None:
            continue
        key = nfc(text.strip().lower())
        if key and "*" not in key[:-1] and key != "*":
            allowed.append(key)
        else:
            hint = "write a key such as color, or utm_* for all that begin so"
            d.problems.add("E115", item.place, path, f'"{text}" is no key of a query', hint)
    return tuple(allowed)


def _sensitive(d: Decoder, node: Node | None, near: NearNames) -> tuple[Path, ...]:
    paths: list[Path] = []
    for item, where in d.list(node, "privacy.sensitive"):
        text = d.text(item, where)
        if text is None:
            continue
        path = canonical(text.strip())
        whole = part_of(path)
        if all(path) and path[0] not in KEPT and path[0] not in DERIVED_ROOTS and whole is None:
            near.field(text.strip(), item.place, where)
            paths.append(path)
        else:
            hint = f"name {whole}" if whole else "write the path of a field that pages push: health.topic"
            d.problems.add("E115", item.place, where, f'"{text}" is no field that could be left out', hint)
    return tuple(paths)
