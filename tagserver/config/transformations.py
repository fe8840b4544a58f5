"""The entries under `transformations:`: what some tags see instead of the event."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from tagserver.config import keys
from tagserver.config.conditions import ConditionCompiler
from tagserver.config.items import ITEM_ROWS, compile_rows, look_at_fields
from tagserver.config.keys import DURATION, FLAG, NOTES, Block, Key, compiled
from tagserver.config.limits import LONGEST, Once
from tagserver.config.lint.near_names import fault_of, stays_in_its_item
from tagserver.config.model import Tag
from tagserver.config.names import Names
from tagserver.config.parameters import check_constants, compile_value
from tagserver.config.schema_parts import ANY, NAMES, TEXT, TEXTS, ref, table
from tagserver.config.yaml.decode import Decoder
from tagserver.config.yaml.problems import Problems
from tagserver.config.yaml.source import Map, Node, Scalar
from tagserver.event.event import MISSING, reader
from tagserver.event.spelling import DERIVED_ROOTS, canonical, part_of
from tagserver.event.values import js_text
from tagserver.expressions.conditions import all_of
from tagserver.expressions.path_filter import Hiding
from tagserver.expressions.reshape import (
    KEPT,
    NOTHING_HIDDEN,
    Step,
    Transformation,
    allowing,
    excluding,
    redacting,
    renaming,
    reshaping,
    setting,
    stripping,
)
from tagserver.expressions.scope import Scope
from tagserver.plugin.fields import CURRENCY
from tagserver.privacy.rules import is_personal

STEPS = ("allow", "exclude", "rename", "set", "items", "strip_query", "redact", "truncate_ip", "block_duplicates")
TRANSFORMATION = Block(
    "",
    Key(
        "allow",
        compiled(TEXTS),
        "keeps only these paths, and what is below them; of IP address, user agent, cookies, headers, places and "
        "click ids only what is named (`ip`, `cookie._fbp`)",
    ),
    Key("exclude", compiled(TEXTS), "removes these"),
    Key(
        "rename",
        compiled(table(TEXT)),
        "moves a value from the first path to the second; in lists, within each item: `{items.sku: items.item_id}`",
    ),
    Key(
        "set",
        compiled(table(ANY)),
        "adds or overwrites. What has no value changes nothing, nor does an item that is not there",
    ),
    Key(
        "items",
        compiled(ITEM_ROWS.schema),
        "the items of the order: those that match `where`, with the `fields` under their new names; a field may be "
        'a [template of the item](#variables) (`"tee_{{ item.item_id }}"`)',
    ),
    Key("strip_query", keys.TEXTS, "removes parameters from the page's URL and the referrer"),
    Key(
        "redact",
        FLAG,
        "`true`: e-mail addresses, and telephone numbers that begin with + or 00, become `[e-mail]` and `[phone]` "
        "in all texts outside `user_data`; parameters such as `email` and `name` are removed from the page's URL",
    ),
    Key("truncate_ip", FLAG, "`true`: removes the last part of the IP address"),
    Key(
        "block_duplicates",
        compiled(DURATION.schema),
        "a second event of the same name and `transaction_id` within this time is a duplicate, whatever its "
        "`event_id`. A tag's own `once_per` takes precedence",
    ),
    Key("destinations", compiled(NAMES), "for tags of these alone"),
    Key("tags", compiled(NAMES), "for these tags alone"),
    Key("except_tags", compiled(NAMES), "for all tags but these"),
    Key("when", compiled(ref("when")), "for which events, as in a trigger"),
    NOTES,
    anyOf=[{"required": [step]} for step in STEPS],
)


_KINDS = dict.fromkeys(("currency", "ecommerce.currency"), CURRENCY)
"""Fields of an event that every destination reads alike."""


@dataclass(frozen=True, slots=True)
class Scoped:
    """A transformation with the names it is for; None: all of them. `once` blocks a transaction that comes again;
    `hiding` is what no event shows, whatever its `when`; `brings` are the personal paths that its values lead to."""

    transformation: Transformation
    destinations: frozenset[str] | None
    tags: frozenset[str] | None
    except_tags: frozenset[str]
    once: Once | None
    hiding: Hiding
    brings: frozenset[str]

    def is_for(self, tag: str, destination: str) -> bool:
        """Whether a tag sees the event through it."""
        by_tag = tag not in self.except_tags and (self.tags is None or tag in self.tags)
        return by_tag and (self.destinations is None or destination in self.destinations)


class TransformationCompiler:
    """Makes transformations of nodes; their steps run in the order of `STEPS`."""

    def __init__(self, names: Names, destinations: Iterable[str], tags: Iterable[str], problems: Problems) -> None:
        self._names = names
        self._destinations = tuple(destinations)
        self._tags = tuple(tags)
        self._conditions = ConditionCompiler(names, problems)
        self._problems = problems
        self._decoder = Decoder(problems)

    def compile(self, name: str, key: Scalar, node: Node) -> Scoped | None:
        """One of them, or None after a problem that leaves nothing of it."""
        path = f"transformations.{name}"
        nodes = TRANSFORMATION.nodes(self._decoder, node, path)
        values = TRANSFORMATION.values(self._decoder, nodes, path)
        if not nodes.keys() & set(STEPS):
            self._problems.add("E113", key.place, path, f"{path} changes nothing", f"write one of {', '.join(STEPS)}")
            return None
        steps: list[Step] = []
        brings: frozenset[str] = frozenset()
        allowed = self._paths(nodes["allow"], f"{path}.allow", keep=False) if "allow" in nodes else None
        excluded = self._paths(nodes["exclude"], f"{path}.exclude", keep=True) if "exclude" in nodes else []
        hiding = Hiding(allowed, excluded)
        steps += [allowing(allowed)] if allowed is not None else []
        steps += [excluding(excluded)] if excluded else []
        if "rename" in nodes:
            pairs = [
                (canonical(old), canonical(new))
                for old, (place, held) in self._decoder.map(nodes["rename"], f"{path}.rename").items()
                if (new := self._decoder.text(held, f"{path}.rename.{old}")) and self._free(old, new, place, path)
                if self._of_data((old, new), place, path) and self._in_place(old, new, place, path)
                if self._look_at((old, place), (new, held), path=path)
            ]
            brings |= {".".join(old) for old, _ in pairs if is_personal(old[0])}
            steps.append(renaming(pairs))
        if "set" in nodes:
            with self._names.gathered() as names:
                assigned = [
                    (canonical(one), compile_value(held, self._names, f"{path}.set.{one}"))
                    for one, (place, held) in self._decoder.map(nodes["set"], f"{path}.set").items()
                    if self._free(one, one, place, path) and self._of_data((one,), place, path)
                    if self._look_at((one, place), path=path)
                ]
            check_constants(nodes["set"], _KINDS, self._names, self._problems, f"{path}.set")
            brings |= self._names.personal(names)
            steps.append(setting(assigned))
        if "items" in nodes:
            inner = ITEM_ROWS.nodes(self._decoder, nodes["items"], f"{path}.items")
            if not inner:
                self._decoder.missing(nodes["items"].place, f"{path}.items", "where or fields")
            look_at_fields(inner, f"{path}.items", self._names.near)
            with self._names.gathered() as names:
                rows = compile_rows(inner, f"{path}.items", self._decoder, self._names)
            brings |= self._names.personal(names)
            steps.append(reshaping(rows))
        if "strip_query" in nodes:
            steps.append(stripping(frozenset(one.lower() for one in values["strip_query"])))
        if values.get("redact"):
            steps.append(redacting)
        clauses = self._conditions.when(nodes["when"], f"{path}.when") if "when" in nodes else ()
        made = Transformation(
            name,
            all_of([clause.test for clause in clauses]),
            steps,
            hiding=hiding,
            truncate_ip=values.get("truncate_ip", False),
        )
        return Scoped(
            made,
            self._chosen(nodes.get("destinations"), self._destinations, "destination", f"{path}.destinations"),
            self._chosen(nodes.get("tags"), self._tags, "tag", f"{path}.tags"),
            self._chosen(nodes.get("except_tags"), self._tags, "tag", f"{path}.except_tags") or frozenset(),
            self._once(nodes.get("block_duplicates"), made.holds, f"{path}.block_duplicates"),
            NOTHING_HIDDEN if clauses else hiding,
            brings,
        )

    def _once(self, node: Node | None, holds: Callable[[Scope], bool], path: str) -> Once | None:
        """A transaction of one event name once within a time; an event without `transaction_id` is none."""
        if node is None:
            return None
        within = self._decoder.duration(node, path, 0.0)
        if not 0 < within <= LONGEST:
            self._problems.add("E115", node.place, path, f"{path} is more than nothing and at most 365d")
        transaction = reader("ecommerce.transaction_id")

        def key(scope: Scope) -> Any:
            found = transaction(scope.event)
            there = found not in (MISSING, None, "") and holds(scope)
            return f"{scope.event.name}\0{js_text(found)}" if there else MISSING

        return Once(key, within)

    def _paths(self, node: Node, path: str, *, keep: bool) -> list[tuple[str, ...]]:
        if isinstance(node, Map):
            self._decoder.wrong(node, path, "a list of paths")
            return []
        found = []
        for item, where in self._decoder.list(node, path):
            text = self._decoder.text(item, where)
            if text is None or (keep and not self._free(text, text, item, path)):
                continue
            self._names.near.field(text, item.place, path)
            if self._leads(text, item, path):
                found.append(canonical(text))
        return found

    def _look_at(self, *named: tuple[str, Node], path: str) -> bool:
        """Say which paths look misspelt; they count all the same."""
        for text, node in named:
            self._names.near.field(text, node.place, path)
        return True

    def _leads(self, text: str, node: Node, path: str) -> bool:
        """Whether a text is the path of a field of its own: what is read from another one is gone only when that is."""
        if canonical(text)[0] not in DERIVED_ROOTS and (fix := fault_of(text)) is not None:
            self._problems.add("E115", node.place, path, f'{path}: "{text}" leads nowhere', fix)
            return False
        if (whole := part_of(canonical(text))) is None:
            return True
        more = ", or take keys out of its query with strip_query" if whole == "page.location" else ""
        self._problems.add("E123", node.place, path, f'"{text}" is a part of {whole}', f"name {whole}{more}")
        return False

    def _of_data(self, texts: Iterable[str], node: Node, path: str) -> bool:
        """What the server fills in cannot be written."""
        for text in texts:
            if canonical(text)[0] in DERIVED_ROOTS:
                said = f'"{text}" is filled in by the server, and can only be allowed or excluded'
                self._problems.add("E123", node.place, path, said)
                return False
        return all(self._leads(text, node, path) for text in texts)

    def _in_place(self, old: str, new: str, node: Node, path: str) -> bool:
        if stays_in_its_item(canonical(old), canonical(new)):
            return True
        said = f'{path}: "{old}" stands in every item, and "{new}" in none'
        hint = 'move it within the items, or make a variable: {items: "{{ items }}", pluck: item_id}'
        self._problems.add("E115", node.place, path, said, hint)
        return False

    def _free(self, old: str, new: str, node: Node, path: str) -> bool:
        """Name, id and time of an event are the same for everybody."""
        for one in (old, new):
            if canonical(one)[0] in KEPT:
                message = f'"{one}" cannot be changed: every destination and the pixel have the same'
                self._problems.add("E123", node.place, path, message)
                return False
        return True

    def _chosen(self, node: Node | None, known: tuple[str, ...], what: str, path: str) -> frozenset[str] | None:
        if node is None:
            return None
        found = set()
        for item, where in self._decoder.list(node, path):
            name = self._decoder.name(item, where)
            if name is not None and name not in known:
                hint = self._problems.did_you_mean(name, known) or f"define it under {what}s:"
                self._problems.add("E112", item.place, where, f'unknown {what} "{name}"', hint, about=name)
            elif name is not None:
                found.add(name)
        return frozenset(found)


def transformed(tag: Tag, scoped: Iterable[Scoped]) -> Tag:
    """A tag with those through which it sees its events, in the order of the file. Its own `once_per` goes before that
    of a transformation."""
    mine = [one for one in scoped if one.is_for(tag.name, tag.destination.name)]
    once = tag.limits.once or next((one.once for one in mine if one.once is not None), None)
    sees, personal = tag.sees, tag.personal
    for one in mine:
        sees, personal = one.hiding.narrowed(sees), one.hiding.narrowed(personal) | one.brings
    return replace(
        tag,
        transformations=tuple(one.transformation for one in mine),
        limits=replace(tag.limits, once=once),
        sees=sees,
        personal=personal,
    )
