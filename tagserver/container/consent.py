"""The `consent:` block: how the site wants signals to be read."""

from __future__ import annotations

import re
from typing import Literal, cast

from tagserver.consent.hold import LONGEST
from tagserver.consent.needs import EEA, OPT_IN_REGIONS, ConsentPolicy
from tagserver.container.decode import Decoder
from tagserver.container.problems import Problems
from tagserver.container.source import Node

KEYS = ("cmp_cookies", "opt_in_regions", "gpc", "gpc_scope", "dnt", "hold", "retroactive")
_REGION = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?\Z")


def compile_consent(node: Node | None, problems: Problems) -> ConsentPolicy:
    """The policy; with problems noted, the strict defaults stand in for what is wrong."""
    d = Decoder(problems)
    nodes = {name: held for name, (_, held) in d.map(node, "consent", KEYS).items()}
    cookies = d.texts(nodes.get("cmp_cookies"), "consent.cmp_cookies")
    if cookies:
        message = "cookies of consent tools cannot be read by this version"
        problems.add("E115", nodes["cmp_cookies"].place, "consent.cmp_cookies", message, "have the page send consent")
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
        cmp_cookies=cookies,
    )


def _hold(d: Decoder, node: Node | None) -> float:
    wait = d.duration(node, "consent.hold", 0.0)
    if node is not None and wait > LONGEST:
        d.problems.add("E115", node.place, "consent.hold", f"consent.hold is at most {LONGEST:g}s", "write 2s, or less")
        return 0.0
    return wait
