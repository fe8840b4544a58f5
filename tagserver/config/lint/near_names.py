"""Names that nearly exist: of events, of an event's fields, and of a vendor's events; and what a path may look like.

Each of them is sound, and a name that no page sends and no vendor counts: a warning, with the one that was meant. What
counts as near is said in `tagserver.event.likeness`. A name that stands in the folder's own tests is meant, and nothing
is said of it.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from tagserver.config.yaml.problems import Place, Problems
from tagserver.config.yaml.source import Map, Node, Scalar, Sequence, parse
from tagserver.event.known_names import FIELDS, KNOWN_EVENTS
from tagserver.event.likeness import Alike, letters
from tagserver.event.paths import is_number
from tagserver.event.spelling import KNOWN_ROOTS, Path, canonical
from tagserver.plugin.destination import StandardEvents

ITEMS = ("ecommerce", "items")
_BELOW = {group: Alike(names, brief=True) for group, names in FIELDS.items()}
_CHEAPER = 10
"""So many comparisons of these cost as much as one of difflib's."""


@dataclass(frozen=True, slots=True)
class VendorNames:
    """What a tag's `event_name` may be: `standard` as the plugin states it, `names` under the destination's settings;
    `type` is the destination's.

    `theirs` are all names of the vendor, `right` those that a tag may say.
    """

    type: str
    standard: StandardEvents
    names: Mapping[str, str]
    theirs: frozenset[str] = field(init=False)
    right: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        theirs = self.standard.vendors.union(self.names.values())
        object.__setattr__(self, "theirs", theirs)
        object.__setattr__(self, "right", theirs.union(self.names) if self.standard.of_tags else theirs)


def is_known_path(text: str) -> bool:
    """Whether a text is a known path below a group, written out: `page.path`."""
    if "." not in text or len(text) > _LONGEST_PATH or not is_path(text):
        return False
    *group, name = without_numbers(canonical(text))
    return name in FIELDS.get(tuple(group), ())


_LONGEST_PATH = 100
_SEPARATORS = re.compile(r"[,;|]|[ ](?:or|and)[ ]")


class NearNames:
    """Compares names with known ones, and notes what looks misspelt.

    `seen` gives what the folder's tests hold; it is asked only where something depends on it. `installed`: the standard
    events of all destinations: what their vendors say is no name of an event, and what they have a name for is one.
    """

    def __init__(self, problems: Problems, seen: Callable[[], Seen], installed: Iterable[StandardEvents]) -> None:
        self._problems = problems
        self._ask_seen = seen
        names = dict.fromkeys(sorted(KNOWN_EVENTS))
        self._of_vendors: dict[str, str] = {}
        for one in installed:
            names |= dict.fromkeys(one.names)
            for ours, theirs in one.names.items():
                self._of_vendors.setdefault(letters(theirs), ours)
        self._known = frozenset(names)
        # Other tools' names (Order Completed) are known, and no reason to doubt a site's own order_completed.
        self._events = Alike(name for name in names if name == name.lower())
        self._meant: dict[str, str | None] = {}
        self._fields: dict[tuple[str, ...], str | None] = {}
        self._roots: dict[tuple[str, bool], str | None] = {}
        self._vendors: dict[frozenset[str], Alike] = {}

    @cached_property
    def _seen(self) -> Seen:
        return self._ask_seen()

    @cached_property
    def _of_tests(self) -> Alike:
        return Alike(sorted(self._seen.names))

    def event(self, name: str, place: Place, path: str, *, beside: Collection[str] = (), fold: bool = False) -> None:
        """The name of an event, as a page pushes it. `beside`: what stands in the same list, where the right name may
        be already. `fold`: upper and lower case are the same."""
        if name not in self._meant:
            self._meant[name] = self._event(name)
            several = [one.strip() for one in _SEPARATORS.split(name)]
            if len(several) > 1 and all(one in self._known for one in several):
                message = f'{path}: the event "{name}" is not known, and looks like {len(several)} of them'
                self._problems.add("W313", place, path, message, f"write [{', '.join(several)}]")
        like = self._meant[name]
        if like is not None and like not in beside and not (fold and name.lower() == like.lower()):
            self._say_event(name, like, place, path)

    def pattern(self, pattern: str, place: Place, path: str) -> None:
        """A wildcard that ends in a star, and fits no name that is known: the words before the star may be misspelt."""
        stem = pattern.rstrip("*")
        if "*" in stem or any(name.startswith(stem) for name in (*self._known, *self._seen.names)):
            return
        like = self._beginnings.like(stem.rstrip("_"))
        if like is not None and letters(like) != letters(stem) and self._is_patient(self._beginnings):
            self._say_event(pattern, like + stem[len(stem.rstrip("_")) :] + "*", place, path)

    def _say_event(self, name: str, like: str, place: Place, path: str) -> None:
        flat = letters(name)
        said = f'looks like "{like}"'
        if flat != letters(like) and self._of_vendors.get(flat) == like:
            said = f'is a vendor\'s name of "{like}"'
        hint = f'did you mean "{like}"? If it is your own, a test with such an event says so'
        self._problems.add("W313", place, path, f'{path}: the event "{name}" is not known, and {said}', hint)

    def _event(self, name: str) -> str | None:
        if name in self._known or not self._is_patient(self._events):
            return None
        like = self._events.like(name)
        if like is None and name != name.lower():
            like = self._of_vendors.get(letters(name))
        if like is None and self._is_patient(self._of_tests):
            like = self._of_tests.like(name)
        return None if like is None or name in self._seen.names else like

    @cached_property
    def _beginnings(self) -> Alike:
        """Known names, and what they begin with."""
        parts = [name.split("_") for name in self._events.known]
        return Alike("_".join(words[:length]) for words in parts for length in range(len(words), 0, -1))

    def field(self, text: str, place: Place, path: str, others: Collection[str] = ()) -> None:
        """A path of an event. `others`: what else may stand there (variables)."""
        parts = canonical(text)
        if parts[0] not in KNOWN_ROOTS:
            like = self._root(parts[0], others)
        else:
            like = self._below(text, without_numbers(parts))
        if like is not None and without_numbers(parts) not in self._seen.paths:
            self._say_field(text, like, place, path)

    def one_item(self, text: str, place: Place, path: str) -> None:
        """A path that is read where one value is wanted: in the items it needs a number."""
        parts = canonical(text)
        if parts[: len(ITEMS)] == ITEMS and parts[len(ITEMS) :] and not parts[len(ITEMS)].isdecimal():
            message = f'"{text}" says of no item which one it is'
            below = ".".join(parts[len(ITEMS) :])
            hint = f"write items.0.{below} for the first one, or {{{{ item.{below} }}}} in fields and pluck"
            self._problems.add("W304", place, path, message, hint)

    def item_field(self, name: str, place: Place, path: str) -> None:
        """A field of the items of an order."""
        like = self._like(ITEMS, name)
        if like is not None and (*ITEMS, name) not in self._seen.paths:
            self._say_field(name, like, place, path)

    def _say_field(self, text: str, like: str, place: Place, path: str) -> None:
        message = f'"{text}" is read as a field of your own'
        self._problems.add("W304", place, path, message, f'did you mean "{like}"?', about=text)

    def _root(self, root: str, others: Collection[str]) -> str | None:
        key = (root, bool(others))
        if key not in self._roots:
            known = [*others, *KNOWN_ROOTS]
            found = difflib.get_close_matches(root, known, 1, 0.8) if self._problems.has_patience(len(known)) else []
            self._roots[key] = found[0] if found else None
        return self._roots[key]

    def _below(self, text: str, parts: tuple[str, ...]) -> str | None:
        """The path that was meant by one below a known group: its first step that is nearly a known one is mended."""
        for depth in range(1, min(len(parts), 3)):
            group, name = parts[:depth], parts[depth]
            if group not in _BELOW:
                return None
            if (like := self._like(group, name)) is not None:
                return ".".join(like if step == name else step for step in text.split("."))
        return None

    def _like(self, group: tuple[str, ...], name: str) -> str | None:
        key = (*group, name)
        if key not in self._fields:
            self._fields[key] = _BELOW[group].like(name) if self._is_patient(_BELOW[group]) else None
        return self._fields[key]

    def vendor(self, name: str, known: VendorNames, place: Place, path: str) -> None:
        """A name under which a destination sends an event."""
        names, theirs = known.names, known.theirs
        if name in known.right:
            return
        alike = self._vendors.get(known.right)
        if alike is None:
            alike = self._vendors[known.right] = Alike(sorted(known.right, key=lambda one: (one not in theirs, one)))
        like = names.get(name) or (alike.like(name) if self._is_patient(alike) else None)
        if like is not None:
            said = f'{path}: "{name}" is none of the standard events of {known.type}, and looks like "{like}"'
            if name in names:
                said = f'{path}: "{name}" is none of the standard events of {known.type}, which calls it "{like}"'
            self._problems.add("W314", place, path, said, f'did you mean "{like}"?')

    def _is_patient(self, alike: Alike) -> bool:
        return self._problems.has_patience(1 + len(alike.known) // _CHEAPER)


@dataclass(frozen=True, slots=True)
class Seen:
    """`names` of events; `paths` of their fields, and of the groups on the way, without the numbers of items."""

    names: frozenset[str] = frozenset()
    paths: frozenset[Path] = frozenset()


def seen_in(texts: Mapping[str, bytes]) -> Seen:
    """What the cases of some files push. What cannot be read is `tagserver test`'s to say."""
    names: set[str] = set()
    paths: set[Path] = set()
    for name, content in texts.items():
        tree = parse(content, name, Problems())
        for case in tree.items if isinstance(tree, Sequence) else ():
            event = case.get("event") if isinstance(case, Map) else None
            if not isinstance(event, Map):
                continue
            for key in ("event", "event_name"):
                if isinstance(said := event.get(key), Scalar):
                    names.add(said.text)
            paths.update(_paths(event))
    return Seen(frozenset(names), frozenset(paths))


def _paths(node: Node, way: str = "") -> Iterator[Path]:
    match node:
        case Map():
            for key, held in node.entries:
                path = f"{way}.{key.text}" if way else key.text
                yield without_numbers(canonical(path))
                yield from _paths(held, path)
        case Sequence():
            for item in node.items:
                yield from _paths(item, way)


def without_numbers(path: Path) -> Path:
    """`items.0.price` is the price of any item."""
    return tuple(part for part in path if not part.isdecimal())


_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z0-9_$-]+)*\Z")
_BRACKETS = re.compile(r"\[([^\[\]]*)\]")
_JOINERS = "\u200c\u200d"
"""Invisible, and part of the spelling of Persian and Indic words."""


def is_path(text: str) -> bool:
    """Whether a text can be a path where a variable's name could stand as well: steps of letters of any script, digits,
    `_`, `-` and signs of currencies, of which the first begins with a letter."""
    if text.isascii():
        return _PLAIN.match(text) is not None
    steps = text.split(".")
    return all(steps) and all(map(_in_a_name, "".join(steps))) and (text[0] == "_" or text[0].isalpha())


def _in_a_name(one: str) -> bool:
    return one.isalnum() or one in "_-" or one in _JOINERS or unicodedata.category(one) in ("Mn", "Mc", "Sc")


def fault_of(text: str) -> str | None:
    """The fix of a path that can lead nowhere; None for any other."""
    if _BRACKETS.search(text):
        inner = _BRACKETS.sub(lambda found: "" if found[1] in ("", "*") else f".{found[1]}", text)
        return f"write {inner}"
    steps = text.split(".")
    if not all(steps):
        return "a dot stands between two names"
    if "*" in steps:
        return f"leave the star out: {'.'.join(step for step in steps if step != '*')} is that of each element"
    path = canonical(text)
    if path[:2] == ITEMS and len(path) > 2 and path[2][0] == "-" and is_number(path[2][1:]):
        return "items are counted from 0, from the first to the last"
    return None


def stays_in_its_item(old: Path, new: Path) -> bool:
    """Whether what stands in every item is not to stand outside of the items, where all of it has no room."""
    return not _in_every_item(old) or _in_every_item(new)


def _in_every_item(path: Path) -> bool:
    return path[:2] == ITEMS and len(path) > 2 and not is_number(path[2])
