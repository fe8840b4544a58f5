"""The entries under `tags:`."""

from __future__ import annotations

import typing
from collections.abc import Mapping

from tagserver.config.keys import FLAG, NAME, NOTES, TEXT, Block, Key, compiled, whole
from tagserver.config.limits import ONCE, SAMPLE, SCHEDULE, LimitCompiler
from tagserver.config.model import ConfiguredDestination, Tag, Trigger
from tagserver.config.names import Names
from tagserver.config.parameters import (
    EventNames,
    check_constants,
    clean_constants,
    compile_parameters,
    naming_of,
    no_parameters,
)
from tagserver.config.schema_parts import NAMES, PURPOSE_LIST, table
from tagserver.config.triggers import ALL, BUILT_IN, EVERY_EVENT, KNOWN_EVENTS, KnownEvents
from tagserver.config.yaml.decode import Decoder
from tagserver.config.yaml.problems import Place, Problems
from tagserver.config.yaml.source import Map, Node, Sequence
from tagserver.config.yaml.suggestions import known_are
from tagserver.consent.model.policy import Needs, VendorCheck
from tagserver.event.consent_fields import PURPOSES
from tagserver.plugin.fault import PluginCode, PluginFailed

_VENDOR = Block(
    "",
    Key("ac_id", whole(1), "its number in Google's list: `{ac_id: 89}`"),
    Key("gvl_id", whole(1), "its number in the IAB's list: `{gvl_id: 755}`; one of the two"),
    minProperties=1,
    maxProperties=1,
)
TAG = Block(
    "",
    Key("name", NAME, "required, unique; shown everywhere", needed=True),
    Key("destination", NAME, "required", needed=True),
    Key(
        "settings",
        compiled({"type": "object"}),
        "settings of the destination that differ for this tag: `{default_country: FR}`. `tagserver plugins show "
        "TYPE` says which may (“also of a tag”)",
    ),
    Key(
        "triggers",
        compiled({**NAMES, "minItems": 1}),
        "required: any of these; `all` matches every event but automatic ones, `known events` those that the "
        "destination has a name for",
        needed=True,
    ),
    Key("exceptions", compiled(NAMES), "none of these"),
    Key(
        "consent",
        compiled(PURPOSE_LIST),
        "all purposes that are needed: those of the destination, and more. Leaving out one of the destination's is "
        "a problem …",
    ),
    Key(
        "consent_override",
        compiled(TEXT.schema),
        "… unless this gives the reason. Then only the listed purposes count: nothing is "
        "[removed](guide.md#privacy) for want of another",
    ),
    Key(
        "redact_override",
        compiled(TEXT.schema),
        "the reason why this tag may send personal data anywhere: no [redaction](guide.md#privacy) in titles, "
        "items, URLs and parameters",
    ),
    Key(
        "vendor",
        compiled(_VENDOR.schema, _VENDOR),
        "under the TCF this vendor must be accepted, see [consent signals](#consent-signals)",
    ),
    Key("parameters", compiled({"type": "object"}), "values to send along. A missing value is left out"),
    Key(
        "event_name",
        compiled({"anyOf": [TEXT.schema, table(TEXT.schema)]}),
        "the vendor's name for the event; without it the destination's default (`purchase` → `Purchase` at Meta). "
        "A name with `{{ }}` that has no value skips the event, with the reason `variable`. Among `parameters` it "
        "means the same",
    ),
    Key("paused", FLAG, "`true`: nothing is sent, and what is queued for this tag becomes dead letters"),
    Key("schedule", compiled(SCHEDULE.schema, SCHEDULE), "nothing is sent outside of it: `from`, `until` or both"),
    Key(
        "sample",
        compiled(SAMPLE.schema, SAMPLE),
        'a share of all values of `by`, always the same ones: `{percent: 10, by: "{{ client_id }}"}`',
    ),
    Key(
        "once_per",
        compiled(ONCE.schema, ONCE),
        "a second event with the same key within that time is a duplicate, whatever its id",
    ),
    Key(
        "priority",
        whole(-(10**9)),
        "a whole number, higher first (default 0). Of two tags that would send the same event it decides which one "
        "does. Above 0: while more than 1,000 deliveries of a destination wait, those of the tag go first, except "
        "for every tenth request",
    ),
    NOTES,
)


class TagCompiler:
    """Makes tags of nodes. A destination that had problems of its own is None: tags that name it are not blamed."""

    def __init__(
        self,
        destinations: Mapping[str, ConfiguredDestination | None],
        triggers: Mapping[str, Trigger | None],
        names: Names,
        problems: Problems,
        for_tag: typing.Callable[[ConfiguredDestination, Node, str], ConfiguredDestination | None],
    ) -> None:
        """`for_tag` gives a destination with some of its settings set anew."""
        self._for_tag = for_tag
        self._destinations = destinations
        self._triggers = triggers
        self._names = names
        self._problems = problems
        self._decoder = Decoder(problems)
        self._limits = LimitCompiler(names, problems)
        self._event_names = EventNames(names, problems)
        self.used: set[tuple[str, str]] = set()
        self._seen: dict[str, Place] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Those of all tags, also of such that had problems."""
        return tuple(self._seen)

    def compile(self, node: Node, path: str) -> Tag | None:
        """One tag, or None after a problem."""
        if not isinstance(node, Map):
            self._decoder.wrong(node, path, "a map")
            return None
        nodes = TAG.nodes(self._decoder, node, path)
        values = TAG.values(self._decoder, nodes, path)
        name: str | None = values.get("name")
        if "name" not in nodes:
            self._decoder.missing(node.place, path, "name")
        if name is not None and name in self._seen:
            first = self._seen[name]
            hint = f"the first is at {first.file}:{first.line}"
            self._problems.add("E114", nodes["name"].place, f"{path}.name", f'two tags are named "{name}"', hint)
        elif name is not None:
            self._seen[name] = nodes["name"].place
        destination = self._destination(values.get("destination"), nodes.get("destination"), node, path)
        if destination is not None and "settings" in nodes:
            destination = self._for_tag(destination, nodes["settings"], f"{path}.settings")
        triggers = self._named_triggers(nodes.get("triggers"), destination, f"{path}.triggers")
        if not triggers and self._empty(nodes.get("triggers")) and not self._problems.is_meant(path, "triggers"):
            hint = f"name a trigger; {ALL} matches every event"
            self._problems.add("E113", node.place, f"{path}.triggers", f"{path} has no trigger", hint)
        exceptions = self._named_triggers(nodes.get("exceptions"), destination, f"{path}.exceptions")
        needs = self._needs(destination, nodes, path)
        given = nodes.get("parameters")
        with self._names.gathered() as reached:
            parameters = self._parameters(given, destination, f"{path}.parameters")
            naming, named = naming_of(nodes, path)
            event_name = self._event_names.compile(naming, named, name or "")
        if destination is not None and naming is not None:
            self._event_names.warn(naming, destination, named)
        limits = self._limits.compile(nodes, name or "", path)
        if name is None or destination is None or needs is None:
            return None
        return Tag(
            name=name,
            destination=destination,
            triggers=triggers,
            exceptions=exceptions,
            needs=needs,
            parameters=parameters,
            constants=clean_constants(given, self._names) if isinstance(given, Map) else frozenset(),
            event_name=event_name,
            paused=values.get("paused", False),
            limits=limits,
            priority=values.get("priority", 0),
            redact_override=self._redact_override(nodes.get("redact_override"), f"{path}.redact_override"),
            sees=frozenset(destination.reads.paths),
            personal=self._names.personal(reached),
            place=node.place,
        )

    @staticmethod
    def _empty(node: Node | None) -> bool:
        return node is None or (isinstance(node, Sequence) and not node.items)

    def _destination(self, name: str | None, node: Node | None, tag: Node, path: str) -> ConfiguredDestination | None:
        if node is None:
            self._decoder.missing(tag.place, path, "destination", known_are(self._destinations))
            return None
        if name is None:
            return None
        self.used.add(("destination", name))
        if name not in self._destinations:
            hint = self._problems.did_you_mean(name, self._destinations) or "define it under destinations:"
            self._problems.add(
                "E112", node.place, f"{path}.destination", f'unknown destination "{name}"', hint, about=name
            )
            return None
        return self._destinations[name]

    def _named_triggers(
        self, node: Node | None, destination: ConfiguredDestination | None, path: str
    ) -> tuple[Trigger, ...]:
        found: list[Trigger] = []
        for item, where in self._decoder.list(node, path):
            name = self._decoder.name(item, where)
            if name is None:
                continue
            self.used.add(("trigger", name))
            if name == ALL:
                found.append(EVERY_EVENT)
            elif name == KNOWN_EVENTS:
                found += self._known_events(item, destination, where)
            elif name not in self._triggers:
                hint = self._problems.did_you_mean(name, [*self._triggers, *BUILT_IN]) or "define it under triggers:"
                self._problems.add("E112", item.place, where, f'unknown trigger "{name}"', hint, about=name)
            elif (trigger := self._triggers[name]) is not None:
                found.append(trigger)
        return tuple(found)

    def _known_events(self, node: Node, destination: ConfiguredDestination | None, path: str) -> list[Trigger]:
        """The trigger for the events that the destination has a name for."""
        if destination is None:
            return []
        names = destination.names
        if not names.names and not names.standard.vendors and destination.settings is not None:
            message = f"{path}: {destination.type} has no standard names for events, so that none is known"
            self._problems.add("E115", node.place, path, message, f"name a trigger of your own, or {ALL}")
            return []
        return [KnownEvents(names)]

    def _needs(self, destination: ConfiguredDestination | None, nodes: Mapping[str, Node], path: str) -> Needs | None:
        purposes = self._purposes(nodes.get("consent"), f"{path}.consent")
        vendor = self._vendor(nodes.get("vendor"), f"{path}.vendor")
        override = None
        if "consent_override" in nodes:
            override = self._decoder.text(nodes["consent_override"], f"{path}.consent_override")
            if not override:
                place = nodes["consent_override"].place
                self._problems.add("E130", place, f"{path}.consent_override", "consent_override needs its reason")
        if destination is None:
            return None
        declared = destination.plugin.consent
        left_out = [purpose for purpose in declared.purposes if purposes is not None and purpose not in purposes]
        needed = frozenset(declared.purposes) | frozenset(purposes or ())
        if override and purposes is not None:
            needed = frozenset(purposes)
        elif left_out:
            hint = f"list {', '.join(left_out)} too, or say why not: consent_override: REASON"
            message = f"{path}.consent leaves out {', '.join(left_out)}, which {destination.type} needs"
            self._problems.add("E130", nodes["consent"].place, f"{path}.consent", message, hint)
        return Needs(needed, destination.plugin.ads, declared.restricted, vendor, override)

    def _redact_override(self, node: Node | None, path: str) -> str | None:
        if node is None:
            return None
        reason = self._decoder.text(node, path)
        if not reason:
            self._problems.add("E130", node.place, path, "redact_override needs its reason")
        return reason or None

    def _purposes(self, node: Node | None, path: str) -> tuple[str, ...] | None:
        if node is None:
            return None
        if not isinstance(node, Sequence):
            self._decoder.wrong(node, path, "a list of purposes", "write [ad_storage, ad_user_data]")
            return None
        found = []
        for item, where in self._decoder.list(node, path):
            name = self._decoder.text(item, where)
            if name in PURPOSES:
                found.append(name)
            elif name is not None:
                hint = self._problems.did_you_mean(name, PURPOSES) or f"known are {', '.join(PURPOSES)}"
                self._problems.add("E130", item.place, where, f'unknown purpose "{name}"', hint)
                found += PURPOSES  # one that is misspelt may be any: what is left out is asked when it is mended
        return tuple(found)

    def _vendor(self, node: Node | None, path: str) -> VendorCheck | None:
        if node is None:
            return None
        nodes = _VENDOR.nodes(self._decoder, node, path)
        if len(nodes) != 1:
            self._problems.add("E113", node.place, path, f"{path} needs one of ac_id and gvl_id", "write {ac_id: 89}")
            return None
        found = [*_VENDOR.values(self._decoder, nodes, path).items()]
        return VendorCheck("ac_id" if found[0][0] == "ac_id" else "gvl_id", found[0][1]) if found else None

    def _parameters(
        self, node: Node | None, destination: ConfiguredDestination | None, path: str
    ) -> typing.Callable[..., dict[str, typing.Any]]:
        if node is None:
            return no_parameters
        if not isinstance(node, Map):
            self._decoder.wrong(node, path, "a map")
            return no_parameters
        accepted = destination.plugin.Parameters if destination is not None else dict
        if accepted is not dict:
            self._decoder.map(node, path, typing.get_type_hints(accepted))
        if destination is not None:
            self._check_constants(node, destination, path)
        return compile_parameters(node, self._names, path)

    def _check_constants(self, node: Map, destination: ConfiguredDestination, path: str) -> None:
        try:
            with PluginCode(destination.plugin, f"the plugin {destination.type}"):
                check_constants(node, destination.plugin.kinds, self._names, self._problems, path)
        except PluginFailed as failed:  # what it thinks of constants is advice: the tag is as good as before
            self._problems.add("P211", node.place, path, str(failed))
