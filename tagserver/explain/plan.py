"""What a change of the configuration changes: in its words, and in what is sent for each event.

Two configurations are compared twice. By name: which tags, triggers, variables and destinations are new, gone or
different, key by key. By effect: events go through both, and of each request the fields that appear, vanish or change
are named. Nothing is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tagserver.config.model import Container
from tagserver.config.references import without_keys, without_secrets
from tagserver.config.server import ServerConfig
from tagserver.config.version import SERVER_FILE
from tagserver.config.yaml.decode import plain
from tagserver.config.yaml.problems import Problems
from tagserver.config.yaml.source import parse
from tagserver.explain.cases import explain_case
from tagserver.explain.differences import FieldChange, Sign, differences
from tagserver.explain.try_ import BadQuestion
from tagserver.plugin.registry import Registry

NAMED: Mapping[str, str] = {
    "destinations": "destination",
    "variables": "variable",
    "triggers": "trigger",
    "transformations": "transformation",
    "tags": "tag",
}
"""What has names, and what one of them is called."""
SETTINGS = ("consent", "privacy", "server")
ORDERED = ("tags", "transformations")
"""Of these the order of the file means something."""


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


def changes(before: Mapping[str, bytes], after: Mapping[str, bytes], registry: Registry) -> list[Change]:
    """The differences of two folders, by name and key. The order of files, keys and comments says nothing; that of
    tags, transformations and rows of expressions does. What is only called differently is said so. Literal secrets,
    which an older version may hold, are not repeated."""
    old, new = _contents(before, registry), _contents(after, registry)
    found: list[Change] = []
    for root, label in NAMED.items():
        found += _named(label, old[root], new[root])
        if root in ORDERED and _order(old[root], new[root]) != _order(new[root], old[root]):
            found.append(Change("~", "order", root, tuple(differences([*old[root]], [*new[root]]))))
    for name in SETTINGS:
        if fields := tuple(differences(old[name], new[name])):
            found.append(Change("~", "settings", name, fields))
    return found


def _named(label: str, ones: Mapping[str, Any], others: Mapping[str, Any]) -> Iterator[Change]:
    gone = [name for name in ones if name not in others]
    for name in others:
        if name in ones:
            if fields := tuple(differences(ones[name], others[name])):
                yield Change("~", label, name, fields)
            continue
        was = next((one for one in gone if ones[one] == others[name]), None)
        if was is None:
            yield Change("+", label, name)
        else:
            gone.remove(was)
            yield Change("~", label, name, (FieldChange("name", was, name),))
    for name in gone:
        yield Change("-", label, name)


def _order(ones: Mapping[str, Any], others: Mapping[str, Any]) -> list[str]:
    return [name for name in ones if name in others]


def _contents(texts: Mapping[str, bytes], registry: Registry) -> dict[str, dict[str, Any]]:
    """What stands in a folder, by kind and name. Files that cannot be read count as empty."""
    found: dict[str, dict[str, Any]] = {root: {} for root in (*NAMED, *SETTINGS)}
    for file, content in sorted(texts.items()):
        tree = parse(content, file, Problems())
        data = plain(tree) if tree is not None else None
        if not isinstance(data, dict):
            continue
        if file == SERVER_FILE:
            found["server"] |= without_keys(data)
            continue
        for root in found.keys() - {"tags", "server"}:
            if isinstance(data.get(root), dict):
                found[root] |= data[root]
        tags = data.get("tags")
        for number, tag in enumerate(tags if isinstance(tags, list) else []):
            if isinstance(tag, dict):
                # The name is what they are told apart by; that of one that has another name now is the change.
                rest = {key: value for key, value in tag.items() if key != "name"}
                found["tags"][str(tag.get("name", f"{file}[{number}]"))] = rest
    found["variables"] = {name: _with_order(one) for name, one in found["variables"].items()}
    found["destinations"] = {name: without_secrets(one, registry) for name, one in found["destinations"].items()}
    return found


def _with_order(variable: Any) -> Any:
    """A table of expressions as a list: its rows are asked from top to bottom."""
    if isinstance(variable, dict) and "regex" in variable and isinstance(variable.get("table"), dict):
        return {**variable, "table": [{key: value} for key, value in variable["table"].items()]}
    return variable


def effects(
    before: tuple[Container, ServerConfig],
    after: tuple[Container, ServerConfig],
    events: Iterable[Mapping[str, Any]],
    refused: Callable[[str], object] = lambda why: None,
) -> list[Effect]:
    """What changes for each of some events (each as `try` takes it). `refused` is told why one cannot be asked
    about."""
    found: list[Effect] = []
    for number, asked in enumerate(events, 1):
        try:
            old, new = (explain_case(container, server, asked).answer for container, server in (before, after))
        except BadQuestion as bad:
            refused(f"event {number}: {bad}")
            continue
        if new["event"] is None:
            refused(f"event {number}: {new['problems'][0]['message']}")
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


def _decision(tag: Mapping[str, Any] | None) -> str:
    if tag is None:
        return "no such tag"
    if tag["reason"] in ("fired", "no_trigger"):
        return str(tag["decision"])
    return f"{tag['decision']} ({tag['reason']})"


def _request(tag: Mapping[str, Any] | None) -> dict[str, Any]:
    """What is sent: address and body; an empty map when nothing does."""
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
