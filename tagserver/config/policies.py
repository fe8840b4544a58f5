"""The blocks `consent:` and `privacy:`: how the site wants signals to be read, and what leaves in addresses."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from typing import Any

from tagserver.config.keys import DURATION, FLAG, WRONG, Block, Key, ValueType, choice, compiled, each, named, text_like
from tagserver.config.lint.near_names import NearNames
from tagserver.config.schema_parts import NAMES, TEXT, one_of
from tagserver.config.yaml.decode import Decoder
from tagserver.config.yaml.problems import Problems
from tagserver.config.yaml.source import Node
from tagserver.config.yaml.suggestions import did_you_mean, known_are
from tagserver.consent.cookies.tools import BY_VENDOR, ONLY_IN_THE_PAGE, TOOLS
from tagserver.consent.model.policy import EEA, LONGEST_HOLD, ConsentPolicy
from tagserver.event.consent_fields import PURPOSES
from tagserver.event.spelling import DERIVED_ROOTS, canonical, nfc, part_of
from tagserver.expressions.path_filter import Path
from tagserver.expressions.reshape import KEPT
from tagserver.outgoing.outgoing import PrivacyPolicy

_REGION = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?\Z")


def _tool(d: Decoder, node: Node, path: str) -> Any:
    name = d.text(node, path)
    if name is None or name in TOOLS:
        return WRONG if name is None else name
    message = f'no consent tool is called "{name}"'
    hint = did_you_mean(name, TOOLS) or known_are(TOOLS)
    if name in ONLY_IN_THE_PAGE:
        message = f"{name} keeps the choice in the browser's storage, which no request carries"
        hint = "take it out, and have the page send consent with each event"
    d.problems.add("E115", node.place, path, message, hint)
    return WRONG


def _purpose(d: Decoder, node: Node, path: str) -> Any:
    purpose = d.text(node, path)
    if purpose is None or purpose in PURPOSES:
        return WRONG if purpose is None else purpose
    hint = did_you_mean(purpose, PURPOSES) or known_are(PURPOSES)
    d.problems.add("E130", node.place, path, f'unknown purpose "{purpose}"', hint)
    return WRONG


def _region(d: Decoder, node: Node, path: str) -> Any:
    text = d.text(node, path)
    if text is None or text == "EEA":
        return WRONG if text is None else EEA
    if _REGION.match(text):
        return {text}
    d.problems.add("E115", node.place, path, f'"{text}" is no region', "write EEA, DE or US-CA")
    return WRONG


def _hold(d: Decoder, node: Node, path: str) -> Any:
    wait = d.duration(node, path, 0.0)
    if wait > LONGEST_HOLD:
        d.problems.add("E115", node.place, path, f"{path} is at most {LONGEST_HOLD:g}s", "write 2s, or less")
        return WRONG
    return wait


_COUNTRY = text_like(re.compile(r"[A-Z]{2}\Z"), "is no country", "write two capital letters: DE")
_NAMED_PURPOSES = named(each(ValueType(one_of(*PURPOSES), _purpose), frozenset))
CONSENT = Block(
    "How signals of consent are read.",
    Key(
        "cmp_cookies",
        each(ValueType(TEXT, _tool), lambda tools: tuple(dict.fromkeys(tools))),
        "the consent tools whose cookies are read, see [below](#consent-tool-cookies)",
        "[]",
    ),
    Key(
        "cmp_vendors",
        _NAMED_PURPOSES,
        "a consent tool's vendor, service or category by the site's own name, and its purposes",
        "{}",
    ),
    Key(
        "onetrust_groups",
        _NAMED_PURPOSES,
        "the site's own OneTrust groups and their purposes; they take precedence over `C0001` and its kind. "
        "`[]`: says nothing",
        "{}",
    ),
    Key("tcf_analytics", FLAG, "`true`: a TC string also covers `analytics_storage` (P1 and P8)", "false"),
    Key(
        "tcf_exempt",
        each(_COUNTRY),
        "countries of publishers in which P1 need not be asked for, when the string says that it was not",
        "[]",
    ),
    Key(
        "opt_in_regions",
        each(ValueType(TEXT, _region), lambda sets: frozenset().union(*sets)),
        "where a default is no consent: `EEA`, countries (`DE`), states (`US-CA`). An unknown country is one of them",
        "[EEA, GB, CH]",
    ),
    Key(
        "gpc",
        choice("restrict", "block", "ignore"),
        "Global Privacy Control (`Sec-GPC: 1`, or `gpc` in the event): `restrict`, `block` (where it would "
        "restrict otherwise) or `ignore`",
        "restrict",
    ),
    Key(
        "gpc_scope",
        choice("global", "us_only"),
        "`us_only`: it counts only for visitors known to be in the US",
        "global",
    ),
    Key("dnt", choice("ignore", "restrict"), "`restrict`: `DNT: 1` counts like Global Privacy Control", "ignore"),
    Key(
        "hold",
        ValueType(DURATION.schema, _hold),
        "how long events wait for a late choice, also where the page does not ask for it; at most 5s, see [consent "
        "wait queue](#consent-wait-queue)",
        "0s",
    ),
    Key(
        "retroactive",
        choice("page", "session"),
        "which events a late grant releases: those of the same page view, or `session`: of all page views of the "
        "visitor's session",
        "page",
    ),
)


def compile_consent(node: Node | None, problems: Problems) -> ConsentPolicy:
    """The policy; with problems noted, the strict defaults stand in for what is wrong."""
    d = Decoder(problems)
    nodes = CONSENT.nodes(d, node, "consent")
    policy = ConsentPolicy(**CONSENT.values(d, nodes, "consent"))
    silent = [tool for tool in policy.cmp_cookies if tool in BY_VENDOR]
    if silent and not policy.cmp_vendors:
        message = f"{silent[0]} asks by names of your own, and nothing says what they stand for"
        hint = "write consent.cmp_vendors: {facebook_pixel: [ad_storage, ad_user_data, ad_personalization]}"
        problems.add("E113", nodes["cmp_cookies"].place, "consent.cmp_cookies", message, hint)
    if policy.cmp_vendors and not silent:
        _unused(problems, nodes, "cmp_vendors", BY_VENDOR)
    if policy.onetrust_groups and "onetrust" not in policy.cmp_cookies:
        _unused(problems, nodes, "onetrust_groups", {"onetrust"})
    return policy


def _unused(problems: Problems, nodes: Mapping[str, Node], name: str, users: Set[str]) -> None:
    hint = f"list in consent.cmp_cookies what uses it: {', '.join(sorted(users))}"
    problems.add("W301", nodes[name].place, f"consent.{name}", f"consent.{name} is used by nothing", hint)


def _query_key(d: Decoder, node: Node, path: str) -> Any:
    text = d.text(node, path)
    if text is None:
        return WRONG
    key = nfc(text.strip().lower())
    if key and "*" not in key[:-1] and key != "*":
        return key
    hint = "write a key such as color, or utm_* for all that begin so"
    d.problems.add("E115", node.place, path, f'"{text}" is no key of a query', hint)
    return WRONG


PRIVACY = Block(
    "What leaves.",
    Key(
        "query_allow",
        each(ValueType(TEXT, _query_key)),
        "the only parameters that URLs keep, beside click ids where `ad_storage` is granted. Without it: all but "
        "personal ones. Values are redacted in any case",
    ),
    Key(
        "sensitive",
        compiled(NAMES),
        "fields that no tag sees or sets where the visitor limits the use of sensitive data (a US section of "
        "`gpp`). Only you know which of your fields are sensitive; a path below a list means each of its objects",
        "[]",
    ),
)


def compile_privacy(node: Node | None, near: NearNames, problems: Problems) -> PrivacyPolicy:
    """The policy; what is wrong in it is noted, and not allowed."""
    d = Decoder(problems)
    values = PRIVACY.read(d, node, "privacy")
    return PrivacyPolicy(values.get("query_allow"), _sensitive(d, values.get("sensitive"), near))


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
