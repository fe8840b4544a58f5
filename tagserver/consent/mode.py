"""Google's Consent Mode as a page says it: flat objects, default and update, and the commands that `gtag()` pushes.

Source of the forms: Google's consent guide for tag platforms. `gtag()` pushes its `arguments` object, which JSON
writes with the keys "0", "1", "2"; a reader of lists alone would lose the visitor's choice without a word.

Only objects and lists can grant. What stands there and cannot be read denies all that it could have spoken of, until a
later update says otherwise: many a refusal is badly written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from tagserver.consent.commands import MOST, Verb, words_of
from tagserver.consent.scope import scope_of
from tagserver.consent.state import UNREADABLE, Kind, Reading, Region, Signal
from tagserver.event.consent_fields import PURPOSES

_NAMES = frozenset(PURPOSES)
_BESIDE = frozenset({"region", "wait_for_update"})
"""What stands beside the purposes of a default, and is none."""
_SEPARATORS = dict.fromkeys(map(ord, "_-. \t\r\n\u00a0\u200b\u200c\u200d\u2060\ufeff"))
"""What a name may have too many or too few of, blanks that nobody sees among them."""
_SQUEEZED = {name.translate(_SEPARATORS): name for name in PURPOSES}
_LONGEST_NAME = 40


def consent_mode(value: Any, region: Region, *, field: str = "consent") -> list[Reading]:
    """The readings of an event's `consent` field, any JSON value.

    Words are the texts granted and denied (any case, trimmed) or true and false. A default with a `region` list counts
    only for a visitor known to be there, the more specific one first.
    """
    if value is None:
        return []
    said = _Said(field, region)
    if isinstance(value, Mapping | list):
        for number, (verb, words) in enumerate(words_of(value)):
            if number == MOST:
                said.garbled(f"more than {MOST} words")  # a choice may stand among those that are not read
                break
            said.take(verb, words)
        if value and not said.anything:
            said.garbled("nothing there can be read")
    elif _word(value) == "denied":
        return [Reading(field, dict.fromkeys(PURPOSES, Signal("denied", "explicit", value)))]
    else:
        said.garbled("neither an object nor a list")
    return said.readings()


class _Said:
    """What one value has said so far. `anything`: some of it could be read."""

    def __init__(self, field: str, region: Region) -> None:
        self.anything = False
        self._field = field
        self._region = region
        self._flat: dict[str, Signal] = {}
        self._defaults: dict[str, tuple[int, Signal]] = {}
        self._chosen: dict[str, tuple[str, Signal]] = {}
        self._problems: list[str] = []

    def take(self, verb: Verb, said: Any) -> None:
        """One word, in the order in which they stand."""
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
            chosen = self._signals(f"{self._field}.update", said, "explicit", UNREADABLE)
            self._chosen |= {purpose: ("update", signal) for purpose, signal in chosen.items()}
        else:
            self.garbled("nothing in update can be read")

    def garbled(self, why: str) -> None:
        """Something that could have spoken of every purpose. What is said later counts again."""
        self._problem(self._field, why)
        self._chosen |= dict.fromkeys(PURPOSES, ("", UNREADABLE))

    def readings(self) -> list[Reading]:
        """One for each place that says something, and one of problems."""
        found: dict[str, dict[str, Signal]] = {}
        for purpose, (_, signal) in self._defaults.items():
            found.setdefault(f"{self._field}.default", {})[purpose] = signal
        for purpose, (place, signal) in self._chosen.items():
            found.setdefault(f"{self._field}.{place}" if place else self._field, {})[purpose] = signal
        made = [Reading(name, signals) for name, signals in found.items()]
        if self._flat:
            made.append(Reading(self._field, self._flat))
        return [*made, Reading(self._field, problems=tuple(self._problems))] if self._problems else made

    def _default(self, said: Mapping[str, Any]) -> None:
        weight, legible = scope_of(said.get("region"), self._region)
        if not legible:
            self._problem(f"{self._field}.default.region", "cannot be read, so that denials count everywhere")
        if weight is None:
            return
        for purpose, signal in self._signals(f"{self._field}.default", said, "default", None).items():
            if signal.by == "unreadable":
                self._chosen[purpose] = ("default", signal)
            # Equal specificity: the later one wins; a wider one never replaces a closer one.
            elif (signal.state == "denied" or legible) and weight >= self._defaults.get(purpose, (0, signal))[0]:
                self._defaults[purpose] = (weight, signal)

    def _unknown(self, said: Any, verb: Verb) -> None:
        """A verb that nobody knows: it may have been the visitor's word for no. A key that is no verb, with an object
        that names no purpose, is not about consent."""
        named = _purposes(said) if isinstance(said, Mapping) else ()
        if named:
            self.anything = True
            self._problem(self._field, "purposes behind a word that is not known; they are denied")
            self._chosen |= dict.fromkeys(named, ("", UNREADABLE))
        elif verb == "unknown":
            self.garbled("a command that is not known")

    def _note_keys(self, said: Mapping[str, Any]) -> bool:
        """Whether something in an object is known."""
        known = not (_NAMES.isdisjoint(said) and _BESIDE.isdisjoint(said))
        self.anything = self.anything or known
        return known

    def _signals(self, place: str, said: Mapping[str, Any], kind: Kind, null: Signal | None) -> dict[str, Signal]:
        """Purpose → its word. `null`: what null means here."""
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


def _purposes(said: Mapping[str, Any]) -> list[str]:
    return [purpose for key in said if (purpose := _purpose(key)) is not None]


def _purpose(key: str) -> str | None:
    """The purpose that a key names, also in another case or without the underscores."""
    if key in _NAMES:
        return key
    return _SQUEEZED.get(key.translate(_SEPARATORS).lower()) if len(key) <= _LONGEST_NAME else None


def _signal(value: Any, kind: Kind) -> Signal:
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
