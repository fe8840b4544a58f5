"""The `consent:` block: how the site wants signals to be read."""

from __future__ import annotations

import re
from typing import Literal, cast

from tagserver.config.cmp_cookies import KEYS as CMP_KEYS
from tagserver.config.cmp_cookies import compile_cmp_cookies
from tagserver.config.yaml.decode import Decoder
from tagserver.config.yaml.problems import Problems
from tagserver.config.yaml.source import Node
from tagserver.consent.needs import EEA, OPT_IN_REGIONS, ConsentPolicy
from tagserver.ingest.consent_wait import LONGEST

KEYS = (*CMP_KEYS, "tcf_analytics", "tcf_exempt", "opt_in_regions", "gpc", "gpc_scope", "dnt", "hold", "retroactive")
_COUNTRY = re.compile(r"[A-Z]{2}\Z")
_REGION = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?\Z")


def compile_consent(node: Node | None, problems: Problems) -> ConsentPolicy:
    """The policy; with problems noted, the strict defaults stand in for what is wrong."""
    d = Decoder(problems)
    nodes = {name: held for name, (_, held) in d.map(node, "consent", KEYS).items()}
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
    if node is not None and wait > LONGEST:
        d.problems.add("E115", node.place, "consent.hold", f"consent.hold is at most {LONGEST:g}s", "write 2s, or less")
        return 0.0
    return wait
