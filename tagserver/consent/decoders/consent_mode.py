"""Google's Consent Mode as a page writes it: flat objects, default and update, and the commands that `gtag()` pushes.

Source of the forms: Google's consent guide for tag platforms. `gtag()` pushes its `arguments` object, which JSON
writes with the keys "0", "1", "2"; a reader of lists alone would lose the visitor's choice without a word.

Only objects and lists can grant. What stands there and cannot be read denies all that it could have spoken of, until a
later update says otherwise: many a refusal is badly written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from tagserver.consent.model.reading import UNREADABLE, Reading, Region, Signal, SignalKind
from tagserver.event.consent_fields import PURPOSES

MOST_COMMANDS = 200
"""Commands of one value that are read."""

Verb = Literal["default", "update", "unknown", "nested", "flat", "foreign"]
Command = tuple[Verb, Any]
"""A verb and its argument, any JSON value. `unknown`: a command that is none of Consent Mode's. `nested`: an object
behind a key that is no verb. `flat`: an object of purposes itself. `foreign`: another command of `gtag()`."""

_FOREIGN = frozenset({"js", "config", "event", "get", "set"})
_PLACES = tuple(map(str, range(8)))
"""The keys of an `arguments` object."""


def commands_of(value: Mapping[str, Any] | list[Any]) -> Iterator[Command]:
    """The commands of an event's `consent`, in any of its forms, in the order in which they count.

    Of an object what was preset comes first, then what was chosen, then what nobody knows, so that the last one is the
    careful one.
    """
    if isinstance(value, Mapping):
        yield from _of_object(value)
    elif value and isinstance(value[0], str):
        yield from _of_call(value)
    else:
        for command in value:
            if isinstance(command, list):
                yield from _of_call(command)
            elif isinstance(command, Mapping) and "0" in command:
                yield from _of_call(_arguments(command))
            elif command is not None and command != {}:
                yield "unknown", None


def _of_object(value: Mapping[str, Any]) -> Iterator[Command]:
    found: dict[Verb, list[Any]] = {"default": [], "update": [], "nested": []}
    is_call = "0" in value
    for key, said in value.items():
        several = said if isinstance(said, list) and said else [said]
        if (verb := _verb(key)) != "unknown":
            found[verb] += several
        elif not (is_call and key in _PLACES):
            found["nested"] += (one for one in several if isinstance(one, Mapping))
    if is_call:
        yield from _of_call(_arguments(value))
    for verb, arguments in found.items():
        yield from ((verb, said) for said in arguments)
    yield "flat", value


def _arguments(call: Mapping[str, Any]) -> list[Any]:
    """The arguments of a function as JSON writes them: by their places."""
    return [call[place] for place in _PLACES if place in call]


def _of_call(arguments: list[Any]) -> Iterator[Command]:
    match arguments:
        case []:
            return
        case [str(name), *rest] if name.strip().lower() == "consent":
            verb = _verb(rest[0]) if rest else "unknown"
            said = rest[1:] or [None]
            yield from ((verb, one) for one in said)
        case [str(name), *rest] if name in _FOREIGN:
            yield "foreign", None
            yield from (("nested", one) for one in rest if isinstance(one, Mapping))
        case _:
            yield "unknown", None


def _verb(word: Any) -> Verb:
    match word.strip().lower() if isinstance(word, str) else None:
        case "default":
            return "default"
        case "update":
            return "update"
    return "unknown"


def read_consent_mode(value: Any, region: Region, *, field: str = "consent") -> list[Reading]:
    """The readings of an event's `consent` field, any JSON value.

    A purpose is granted or denied by these texts (any case, trimmed), or by true and false. A default with a `region`
    list counts only for a visitor known to be there, the more specific one first.
    """
    if value is None:
        return []
    commands = _Commands(field, region)
    if isinstance(value, Mapping | list):
        for number, (verb, said) in enumerate(commands_of(value)):
            if number == MOST_COMMANDS:
                commands.garbled(f"more than {MOST_COMMANDS} words")  # a choice may stand among those that are not read
                break
            commands.take(verb, said)
        if value and not commands.anything:
            commands.garbled("nothing there can be read")
    elif _word(value) == "denied":
        return [Reading(field, dict.fromkeys(PURPOSES, Signal("denied", "explicit", value)))]
    else:
        commands.garbled("neither an object nor a list")
    return commands.readings()


class _Commands:
    """What the commands of one value have said so far. `anything`: some of it could be read."""

    def __init__(self, field: str, region: Region) -> None:
        self.anything = False
        self._field = field
        self._region = region
        self._flat: dict[str, Signal] = {}
        self._defaults: dict[str, tuple[int, Signal]] = {}
        self._updates: dict[str, tuple[str, Signal]] = {}
        self._problems: list[str] = []

    def take(self, verb: Verb, said: Any) -> None:
        """One command, in the order in which they count."""
        if verb == "foreign":
            self._problem(self._field, "not a command about consent")
        elif verb == "flat":
            self._note_keys(said)
            self._flat = self._signals(self._field, said, "explicit", None)
        elif verb in ("unknown", "nested"):
            self._unknown(said, verb)
        elif said is None or said in ({}, []):
            self.anything = True
        elif not isinstance(said, Mapping):
            self.garbled(f"{verb} is not an object")
        elif verb == "default":
            self._note_keys(said)
            self._default(said)
        elif self._note_keys(said) or all(_word(word) == "granted" for word in said.values()):
            updates = self._signals(f"{self._field}.update", said, "explicit", UNREADABLE)
            self._updates |= {purpose: ("update", signal) for purpose, signal in updates.items()}
        else:
            self.garbled("nothing in update can be read")

    def garbled(self, why: str) -> None:
        """Something that could have spoken of every purpose. What is said later counts again."""
        self._problem(self._field, why)
        self._updates |= dict.fromkeys(PURPOSES, ("", UNREADABLE))

    def readings(self) -> list[Reading]:
        """One for each place that says something, and one of problems."""
        found: dict[str, dict[str, Signal]] = {}
        for purpose, (_, signal) in self._defaults.items():
            found.setdefault(f"{self._field}.default", {})[purpose] = signal
        for purpose, (place, signal) in self._updates.items():
            found.setdefault(f"{self._field}.{place}" if place else self._field, {})[purpose] = signal
        made = [Reading(name, signals) for name, signals in found.items()]
        if self._flat:
            made.append(Reading(self._field, self._flat))
        return [*made, Reading(self._field, problems=tuple(self._problems))] if self._problems else made

    def _default(self, said: Mapping[str, Any]) -> None:
        weight, legible = _scope(said.get("region"), self._region)
        if not legible:
            self._problem(f"{self._field}.default.region", "cannot be read, so that denials count everywhere")
        if weight is None:
            return
        for purpose, signal in self._signals(f"{self._field}.default", said, "default", None).items():
            if signal.by == "unreadable":
                self._updates[purpose] = ("default", signal)
            # Equal specificity: the later one wins; a wider one never replaces a closer one.
            elif (signal.state == "denied" or legible) and weight >= self._defaults.get(purpose, (0, signal))[0]:
                self._defaults[purpose] = (weight, signal)

    def _unknown(self, said: Any, verb: Verb) -> None:
        """A verb that nobody knows: it may have been the visitor's refusal. A key that is no verb, with an object that
        names no purpose, is not about consent."""
        named = [purpose for key in said if (purpose := _purpose(key))] if isinstance(said, Mapping) else []
        if named:
            self.anything = True
            self._problem(self._field, "purposes behind a word that is not known; they are denied")
            self._updates |= dict.fromkeys(named, ("", UNREADABLE))
        elif verb == "unknown":
            self.garbled("a command that is not known")

    def _note_keys(self, said: Mapping[str, Any]) -> bool:
        """Whether something in an object is known."""
        known = not (_NAMES.isdisjoint(said) and _BESIDE.isdisjoint(said))
        self.anything = self.anything or known
        return known

    def _signals(self, place: str, said: Mapping[str, Any], kind: SignalKind, null: Signal | None) -> dict[str, Signal]:
        """Purpose → its signal. `null`: what null means here."""
        found: dict[str, Signal] = {}
        for key, value in said.items():
            if (purpose := _purpose(key)) is None:
                continue
            signal = null if value is None else _signal(value, kind)
            if signal is None or (key != purpose and signal.state == "granted"):
                continue  # nothing is granted by a name that is not quite the purpose's
            if signal.by == "unreadable":
                self._problem(f"{place}.{purpose}", "neither granted nor denied")
            if purpose not in found or found[purpose].state == "granted":
                found[purpose] = signal
        return found

    def _problem(self, place: str, why: str) -> None:
        problem = f"{place}:{why}"
        if problem not in self._problems:
            self._problems.append(problem)


_NAMES = frozenset(PURPOSES)
_BESIDE = frozenset({"region", "wait_for_update"})
"""What stands beside the purposes of a default, and is none."""
_SEPARATORS = dict.fromkeys(map(ord, "_-. \t\r\n\u00a0\u200b\u200c\u200d\u2060\ufeff"))
"""What a name may have too many or too few of, blanks that nobody sees among them."""
_SQUEEZED = {name.translate(_SEPARATORS): name for name in PURPOSES}
_LONGEST_NAME = 40


def _purpose(key: str) -> str | None:
    """The purpose that a key names, also in another case or without the underscores."""
    if key in _NAMES:
        return key
    return _SQUEEZED.get(key.translate(_SEPARATORS).lower()) if len(key) <= _LONGEST_NAME else None


def _signal(value: Any, kind: SignalKind) -> Signal:
    word = _word(value)
    return UNREADABLE if word is None else Signal(word, kind, value)


def _word(value: Any) -> Literal["granted", "denied"] | None:
    """The word that a value is; None for everything else. Numbers are none: 1 is no true."""
    if value is True:
        return "granted"
    if value is False:
        return "denied"
    if isinstance(value, str):
        match value.strip().lower():
            case "granted":
                return "granted"
            case "denied":
                return "denied"
    return None


Weight = Literal[0, 1, 2]
"""How closely the `region` of a default fits: 0 none given, 1 the country, 2 the subdivision."""
_CODE = re.compile(r"[A-Z]{2}(?:-[A-Z0-9]{1,3})?\Z")


def _scope(scope: Any, region: Region) -> tuple[Weight | None, bool]:
    """The weight of a default for a visitor by its `region`, a list of ISO 3166 codes (`DE`, `US-CA`), None elsewhere;
    and whether the list could be read. One that could not may name any place: it fits as closely as can be."""
    if scope is None:
        return 0, True
    codes = [_code(one) for one in (scope if isinstance(scope, list) else [scope])]
    if region.subdivision and region.subdivision in codes:
        return 2, True
    if region.country and region.country in codes:
        return 1, True
    return (None, True) if codes and None not in codes else (2, False)


def _code(value: Any) -> str | None:
    code = value[:10].strip().upper() if isinstance(value, str) else ""
    return code if _CODE.match(code) else None
