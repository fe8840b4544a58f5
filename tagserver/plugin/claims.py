"""Who has a type that several plugins bring. Ours is ours; of strangers nobody has it, since the order in which they
are found would decide where a site's data goes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from tagserver.plugin import Destination, Variable


@dataclass(eq=False)
class Brought:
    """What one plugin registers: what is sound, what is wrong with the rest, and the types of that.

    `is_ours`: it belongs to tagserver's own package.
    """

    name: str
    package: str = ""
    version: str = ""
    is_ours: bool = False
    destinations: list[type[Destination]] = field(default_factory=list)
    variables: list[Variable] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def refuse(self, kind: Any, why: str) -> None:
        """What it brought under a type is not used."""
        self.errors.append(why)
        if isinstance(kind, str):
            self.refused.append(kind)

    @property
    def label(self) -> str:
        """Its package with the version, as `pip` names it."""
        return f"{self.package} {self.version}" if self.package else self.name


T = TypeVar("T")


@dataclass
class Settled(Generic[T]):
    """`owned`: type → who has it, with what was brought. `conflicts`: types that nobody has, because several strangers
    brought them, `shadowed`: types of ours that a stranger brought, too; each with the sentence that names the
    packages."""

    owned: dict[str, tuple[Brought, T]] = field(default_factory=dict)
    conflicts: dict[str, str] = field(default_factory=dict)
    shadowed: dict[str, str] = field(default_factory=dict)

    def of(self, brought: Brought) -> tuple[str, ...]:
        """The types that one plugin has."""
        return tuple(kind for kind, (owner, _) in self.owned.items() if owner is brought)


def settled(claims: Iterable[tuple[Brought, str, T]], word: str) -> Settled[T]:
    """Give every type to one plugin, or to none, and tell those that do not get it. `claims`: who, which type, and
    what; `word`: what a type is called."""
    by_type: dict[str, list[tuple[Brought, T]]] = {}
    for one, kind, thing in claims:
        named = by_type.setdefault(kind, [])
        if not any(_class(thing) is _class(other) for _, other in named):  # a package may name a module twice
            named.append((one, thing))
    made: Settled[T] = Settled()
    for kind, claimed in by_type.items():
        ours = [claim for claim in claimed if claim[0].is_ours]
        if len(claimed) == 1 or len(ours) == 1:
            made.owned[kind] = owner, _ = (ours or claimed)[0]
            losers = [one for one, _ in claimed if one is not owner]
        else:
            losers = [one for one, _ in claimed]
        if not losers:
            continue
        why = _shadowed(kind, word, losers) if kind in made.owned else _conflict(kind, word, losers)
        (made.shadowed if kind in made.owned else made.conflicts)[kind] = why
        for loser in dict.fromkeys(losers):
            loser.refuse(kind, why)
    return made


def _class(thing: object) -> type:
    return thing if isinstance(thing, type) else type(thing)


def _shadowed(kind: str, word: str, losers: Sequence[Brought]) -> str:
    return (
        f"the {word} {kind} is tagserver's own, and that of {_listed(losers)} is not used: it needs a {word} of its own"
    )


def _conflict(kind: str, word: str, losers: Sequence[Brought]) -> str:
    if len(dict.fromkeys(losers)) == 1:
        return f"{losers[0].label} brings the {word} {kind} {len(losers)} times, and none of them is used: keep one"
    return f"{_listed(losers)} bring the {word} {kind}, and nobody's is used: remove all but one of them"


def _listed(brought: Sequence[Brought]) -> str:
    return " and ".join(dict.fromkeys(one.label for one in brought))
