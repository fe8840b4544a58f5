"""The `privacy:` block: what addresses keep on their way out."""

from __future__ import annotations

from tagserver.container.decode import Decoder
from tagserver.container.problems import Problems
from tagserver.container.source import Node
from tagserver.leaving import PrivacyPolicy

KEYS = ("query_allow",)


def compile_privacy(node: Node | None, problems: Problems) -> PrivacyPolicy:
    """The policy; what is wrong in it is noted, and not allowed."""
    d = Decoder(problems)
    nodes = {name: held for name, (_, held) in d.map(node, "privacy", KEYS).items()}
    if "query_allow" not in nodes:
        return PrivacyPolicy()
    allowed: list[str] = []
    for item, path in d.list(nodes["query_allow"], "privacy.query_allow"):
        text = d.text(item, path)
        if text is None:
            continue
        key = text.strip().lower()
        if key and "*" not in key[:-1] and key != "*":
            allowed.append(key)
        else:
            hint = "write a key such as color, or utm_* for all that begin so"
            problems.add("E115", item.place, path, f'"{text}" is no key of a query', hint)
    return PrivacyPolicy(tuple(allowed))
