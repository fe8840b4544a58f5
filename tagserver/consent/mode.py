"""Google's Consent Mode as a page says it: flat objects, default and update, and the commands that `gtag()` pushes.

Source of the forms: Google's consent guide for tag platforms. `gtag()` pushes its `arguments` object, which JSON
writes with the keys "0", "1", "2"; a reader of lists alone would lose the visitor's choice without a word.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from tagserver.consent.needs import PURPOSES
from tagserver.consent.state import Reading, Region, Signal

_NAMES = frozenset(PURPOSES)
MOST_COMMANDS = 200


def consent_mode(value: Any, region: Region, *, field: str = "consent") -> list[Reading]:
    """The readings of an event's `consent` field: at most one of defaults and one of explicit values.

    Values are the texts granted and denied (any case, trimmed) or true and false; anything else leaves the purpose
    unset. A default with a `region` list counts only for a visitor known to be there, the more specific one first.
    """
    if isinstance(value, Mapping):
        if "default" in value or "update" in value:
            return _default_update(value, region, field)
        if "0" in value:
            return _commands([value], region, field)
        signals = _signals(value, "explicit")
        return [Reading(field, signals)] if signals else [_malformed(field, "no_purpose")] if value else []
    if isinstance(value, list):
        if value and isinstance(value[0], str):
            return _commands([value], region, field)
        return _commands(value, region, field)
    return [] if value is None else [_malformed(field, "not_an_object")]


def _malformed(field: str, why: str) -> Reading:
    return Reading(field, problems=(f"{field}:{why}",))


def _default_update(value: Mapping[str, Any], region: Region, field: str) -> list[Reading]:
    verbs: list[tuple[str, Any]] = []
    for verb in ("default", "update"):
        said = value.get(verb)
        verbs.extend((verb, one) for one in (said if isinstance(said, list) else [said]) if one is not None)
    return _merge_commands(verbs, region, field)


def _commands(value: list[Any], region: Region, field: str) -> list[Reading]:
    verbs: list[tuple[str, Any]] = []
    problems: list[str] = []
    for command in value[:MOST_COMMANDS]:
        match _as_list(command):
            case ["consent", ("default" | "update") as verb, said]:
                verbs.append((verb, said))
            case ["consent", *_]:
                pass  # an unknown verb says nothing about purposes
            case _:
                problems.append(f"{field}:not_a_command")
    if len(value) > MOST_COMMANDS:
        # Fail closed: a choice may stand among those that are not read.
        return [
            Reading(
                field,
                dict.fromkeys(PURPOSES, Signal("denied", "explicit", "too many")),
                problems=(f"{field}:too_many",),
            )
        ]
    readings = _merge_commands(verbs, region, field)
    return [*readings, Reading(field, problems=tuple(problems))] if problems else readings


def _as_list(command: Any) -> list[Any]:
    if isinstance(command, list):
        return command[:3]
    if isinstance(command, Mapping):
        return [command[key] for key in ("0", "1", "2") if key in command]
    return []


def _merge_commands(verbs: list[tuple[str, Any]], region: Region, field: str) -> list[Reading]:
    defaults: dict[str, tuple[int, Signal]] = {}
    updates: dict[str, Signal] = {}
    problems: list[str] = []
    for verb, said in verbs:
        if not isinstance(said, Mapping):
            problems.append(f"{field}.{verb}:not_an_object")
        elif verb == "update":
            updates |= _signals(said, "explicit")
        elif (weight := _matches(said.get("region"), region)) is not None:
            for purpose, signal in _signals(said, "default").items():
                # Equal specificity: the later one wins; a wider one never replaces a closer one.
                if weight >= defaults.get(purpose, (0, signal))[0]:
                    defaults[purpose] = (weight, signal)
    found = []
    if defaults:
        found.append(Reading(f"{field}.default", {purpose: signal for purpose, (_, signal) in defaults.items()}))
    if updates:
        found.append(Reading(f"{field}.update", updates))
    if problems:
        found.append(Reading(field, problems=tuple(problems)))
    return found


def _matches(scope: Any, region: Region) -> Literal[0, 1, 2] | None:
    """How closely a default's `region` fits: 0 not scoped, 1 the country, 2 the subdivision, None elsewhere."""
    if scope is None:
        return 0
    codes = {code.strip().upper() for code in _texts(scope)}
    if region.subdivision and region.subdivision in codes:
        return 2
    if region.country and region.country in codes:
        return 1
    return None


def _texts(value: Any) -> Iterator[str]:
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, str):
            yield one


def _signals(said: Mapping[str, Any], kind: Literal["default", "explicit"]) -> dict[str, Signal]:
    found: dict[str, Signal] = {}
    for purpose, value in said.items():
        if purpose not in _NAMES:
            continue
        if value is True or value is False:
            found[purpose] = Signal("granted" if value else "denied", kind, value)
        elif isinstance(value, str):
            word = value.strip().lower()
            if word == "granted":
                found[purpose] = Signal("granted", kind, value)
            elif word == "denied":
                found[purpose] = Signal("denied", kind, value)
    return found
