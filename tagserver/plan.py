"""What a change of the configuration changes: in its words, and in what leaves for each event.

Two configurations are compared twice. By name: which tags, triggers, variables and destinations are new, gone or
different, key by key. By effect: events go through both, and of each request the fields that appear, vanish or change
are named. Nothing is sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tagserver.casebook import MINTED, NOW
from tagserver.container.decode import plain
from tagserver.container.model import Container
from tagserver.container.problems import Problems
from tagserver.container.server import ServerConfig
from tagserver.container.source import parse
from tagserver.differences import FieldChange, Sign, differences
from tagserver.trial import BadTrial, try_event

NAMED = ("destinations", "variables", "triggers")
_ONE: Mapping[str, str] = {"destinations": "destination", "variables": "variable", "triggers": "trigger", "tags": "tag"}


@dataclass(frozen=True, slots=True)
class Change:
    """One thing of the configuration that is new, gone or different."""

    sign: Sign
    what: str
    name: str
    fields: tuple[FieldChange, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        fields = [field.as_dict() for field in self.fields]
        return {"sign": self.sign, "what": self.what, "name": self.name, "fields": fields}


@dataclass(frozen=True, slots=True)
class Effect:
    """What changes for one event at one tag. `before` and `after` are the decisions with their reasons."""

    event_id: str
    event: str
    tag: str
    destination: str
    before: str
    after: str
    fields: tuple[FieldChange, ...]

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        shown = {name: getattr(self, name) for name in ("event_id", "event", "tag", "destination", "before", "after")}
        return {**shown, "fields": [field.as_dict() for field in self.fields]}


def changes(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> list[Change]:
    """The differences of two folders, by name and key. The order of files, keys and comments says nothing."""
    old, new = _contents(before), _contents(after)
    found: list[Change] = []
    for what in old:
        ones, others = old[what], new[what]
        label = _ONE.get(what, what)
        for name in {**ones, **others}:
            if name not in others:
                found.append(Change("-", label, name))
            elif name not in ones:
                found.append(Change("+", label, name))
            elif fields := tuple(differences(ones[name], others[name])):
                found.append(Change("~", label, name, fields))
    return found


def _contents(texts: Mapping[str, bytes]) -> dict[str, dict[str, Any]]:
    """What stands in a folder, by kind and name. Files that cannot be read count as empty."""
    found: dict[str, dict[str, Any]] = {**{root: {} for root in NAMED}, "tags": {}, "consent": {}, "server": {}}
    for file, content in sorted(texts.items()):
        tree = parse(content, file, Problems())
        data = plain(tree) if tree is not None else None
        if not isinstance(data, dict):
            continue
        if file == "server.yaml":
            found["server"] |= data
            continue
        for root in (*NAMED, "consent"):
            if isinstance(data.get(root), dict):
                found[root] |= data[root]
        for number, tag in enumerate(data.get("tags") or []):
            if isinstance(tag, dict):
                found["tags"][str(tag.get("name", f"{file}[{number}]"))] = tag
    return found


def effects(
    before: tuple[Container, ServerConfig], after: tuple[Container, ServerConfig], events: Iterable[Mapping[str, Any]]
) -> list[Effect]:
    """What changes for each of some events (each as `try` takes it). One that cannot be asked about is left out."""
    found: list[Effect] = []
    for asked in events:
        try:
            old, new = (_answer(container, server, asked) for container, server in (before, after))
        except BadTrial:
            continue
        if new["event"] is None:
            continue
        ones, others = ({tag["tag"]: tag for tag in said["tags"]} for said in (old, new))
        for name in {**ones, **others}:
            one, other = ones.get(name), others.get(name)
            fields = tuple(differences(_request(one), _request(other)))
            if fields or _decision(one) != _decision(other):
                known = other or one
                assert known is not None
                found.append(
                    Effect(
                        str(new["event"]["event_id"]),
                        str(new["event"]["event"]),
                        name,
                        known["destination"],
                        _decision(one),
                        _decision(other),
                        fields,
                    )
                )
    return found


def _answer(container: Container, server: ServerConfig, asked: Mapping[str, Any]) -> dict[str, Any]:
    return try_event(container, server, asked, _moment(asked), mint=lambda received: MINTED)


def _moment(asked: Mapping[str, Any]) -> int:
    event = asked.get("event")
    time = event.get("timestamp") if isinstance(event, dict) else None
    return time if type(time) is int and 10**12 <= time < 10**13 else NOW


def _decision(tag: Mapping[str, Any] | None) -> str:
    if tag is None:
        return "no such tag"
    if tag["reason"] in ("fired", "no_trigger"):
        return str(tag["decision"])
    return f"{tag['decision']} ({tag['reason']})"


def _request(tag: Mapping[str, Any] | None) -> dict[str, Any]:
    """What leaves: address and body; an empty map when nothing does."""
    request = tag["request"] if tag is not None else None
    if request is None or tag is None or tag["decision"] not in ("send", "restrict"):
        return {}
    body = request["body"] if request["body"] is not None else request["content"]
    return {"url": request["url"], "body": body}


def summary(found: Sequence[Effect], number: int) -> list[str]:
    """How often each tag sends, before and after: `Meta purchase: 12 → 31`, for tags where that changes."""
    lines = []
    for name in dict.fromkeys(effect.tag for effect in found):
        mine = [effect for effect in found if effect.tag == name]
        gained = sum(_sends(effect.after) and not _sends(effect.before) for effect in mine)
        lost = sum(_sends(effect.before) and not _sends(effect.after) for effect in mine)
        altered = sum(_sends(effect.before) and _sends(effect.after) for effect in mine)
        counts = ((gained, "more"), (lost, "fewer"), (altered, "different"))
        words = [f"{count} {word}" for count, word in counts if count]
        if words:
            lines.append(f"{name}: {', '.join(words)} of {number} events")
    return lines


def _sends(decision: str) -> bool:
    return decision.startswith(("send", "restrict"))
