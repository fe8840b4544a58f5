"""The `privacy:` block: what addresses keep on their way out, and what a visitor may limit the use of."""

from __future__ import annotations

from tagserver.config.lint.near_names import NearNames
from tagserver.config.yaml.decode import Decoder
from tagserver.config.yaml.problems import Problems
from tagserver.config.yaml.source import Node
from tagserver.event.spelling import DERIVED_ROOTS, canonical, nfc, part_of
from tagserver.expressions.reshape import KEPT
from tagserver.outgoing.outgoing import PrivacyPolicy
from tagserver.outgoing.path_filter import Path

KEYS = ("query_allow", "sensitive")


def compile_privacy(node: Node | None, near: NearNames, problems: Problems) -> PrivacyPolicy:
    """The policy; what is wrong in it is noted, and not allowed."""
    d = Decoder(problems)
    nodes = {name: held for name, (_, held) in d.map(node, "privacy", KEYS).items()}
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
