"""All files of a configuration → one Container, or all their problems."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import PurePosixPath
from types import MappingProxyType

from tagserver.config.destinations import DestinationCompiler
from tagserver.config.keys import Block, Key, compiled
from tagserver.config.lint.comparisons import judge as judge_comparisons
from tagserver.config.lint.near_names import NearNames, seen_in
from tagserver.config.model import ConfiguredDestination, Container, Tag
from tagserver.config.names import Names
from tagserver.config.policies import CONSENT, PRIVACY, compile_consent, compile_privacy
from tagserver.config.references import ExternalValues
from tagserver.config.schema_parts import many, ref, table
from tagserver.config.server import ServerConfig, listed_environment, read_server
from tagserver.config.tags import TagCompiler
from tagserver.config.transformations import TransformationCompiler, transformed
from tagserver.config.triggers import CompiledTrigger, TriggerCompiler
from tagserver.config.variables import VariableCompiler
from tagserver.config.version import SERVER_FILE, version_of_trees
from tagserver.config.yaml.decode import Decoder
from tagserver.config.yaml.mistakes import check_quotes, glued_entry
from tagserver.config.yaml.problems import Place, Problem, Problems
from tagserver.config.yaml.report import without_consequences
from tagserver.config.yaml.source import Map, Node, Scalar, parse
from tagserver.event.known_names import KNOWN_EVENTS
from tagserver.outgoing.known_secrets import KnownSecrets, secrets_of
from tagserver.plugin.destination import sound_events
from tagserver.plugin.registry import Registry

CONTAINER = Block(
    "",
    Key("consent", compiled(CONSENT.schema), CONSENT.doc),
    Key("privacy", compiled(PRIVACY.schema), PRIVACY.doc),
    Key("destinations", compiled(table(ref("destination"))), "Where events go."),
    Key("variables", compiled(table(ref("variable"))), "Values with a name."),
    Key("triggers", compiled(table(ref("trigger"))), "Which events."),
    Key("tags", compiled(many(ref("tag"))), "What is sent, when and to whom."),
    Key("transformations", compiled(table(ref("transformation"))), "What tags see instead of the event."),
)


Tests = Callable[[], Mapping[str, bytes]]


def no_tests() -> Mapping[str, bytes]:
    """The tests of a folder that has none."""
    return {}


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came out of some files. Container and server are None when there is an error anywhere."""

    container: Container | None
    server: ServerConfig | None
    problems: tuple[Problem, ...]


def compile_container(
    texts: Mapping[str, bytes],
    *,
    registry: Registry,
    environ: Mapping[str, str],
    read_file: Callable[[str], str],
    today: date | None = None,
    unread: Collection[str] = (),
    tests: Tests = no_tests,
) -> Loaded:
    """Compile the files of a configuration folder (name → content). Reads nothing but its arguments; never raises.

    `today`: the day by which a vendor's API version is old; None: nothing is said of it. `unread`: files beside them
    that were meant to be read, and are not because of their names or as links to nowhere. `tests` gives the files of
    the folder's cases: what stands in their events is meant, and is no misspelling. It is asked only where that
    matters.
    """
    problems = Problems()
    for name in unread:
        _say_unread(name, texts, problems)
    trees = {name: parse(content, name, problems) for name, content in sorted(texts.items())}
    for name, tree in trees.items():
        check_quotes(tree, problems, secrets=name == SERVER_FILE)
    server_tree = trees.pop(SERVER_FILE, None)
    external = ExternalValues(environ, read_file, listed_environment(server_tree, problems))
    server, rights = read_server(server_tree, external, problems, registry)
    external = replace(external, rights=rights)
    if not trees:
        hint = "write a container.yaml, or name another folder with --config"
        problems.add("E104", Place("container.yaml", 1, 1), "", "there is no container file here", hint)
    container = _Compiler(trees, registry, external, server, problems, today, tests).compile(version_of_trees(trees))
    found = without_consequences(problems.sorted(), texts)
    if problems.fatal:
        return Loaded(None, None, found)
    return Loaded(replace(container, problems=found), server, found)


def _say_unread(name: str, texts: Collection[str], problems: Problems) -> None:
    """Whoever wrote the file waits for what it says."""
    stem = PurePosixPath(name)
    if stem.suffix == ".yaml":
        said = f"{name} is not read: it is a link to something that is not there"
        problems.add("W310", Place(name, 1, 1), "", said, "bring back what it leads to, or delete it")
        return
    while stem.suffix.lower() in (".yml", ".yaml", ".txt"):
        stem = stem.with_suffix("")
    right = f"{stem}.yaml"
    hint = f"{right} is there already: put it in there, or delete it" if right in texts else f"rename it to {right}"
    problems.add("W310", Place(name, 1, 1), "", f"{name} is not read: only files that end in .yaml are", hint)


class _Compiler:
    def __init__(
        self,
        trees: Mapping[str, Node | None],
        registry: Registry,
        external: ExternalValues,
        server: ServerConfig,
        problems: Problems,
        today: date | None,
        tests: Tests,
    ) -> None:
        self._today = today
        self._trees = trees
        self._registry = registry
        self._external = external
        self._server = server
        self._problems = problems
        self._decoder = Decoder(problems)
        stated = (sound_events(one.standard_events) for one in registry.destinations.values())
        installed = [one for one in stated if one is not None]
        self._near = NearNames(problems, lambda: seen_in(tests()), installed)
        self._destination_compiler = DestinationCompiler(registry, external, server.egress, self._near, problems, today)

    def compile(self, version: str) -> Container:
        """The container; with errors noted it is not whole, and not used."""
        self._check_roots()
        consent = compile_consent(self._single("consent"), self._problems)
        privacy = compile_privacy(self._single("privacy"), self._near, self._problems)
        declared = self._named("variables")
        places = {name: key.place for name, (key, _) in declared.items()}
        names = Names(places, self._external, self._near, self._problems)
        known = {"version": version, "debug": self._server.debug}
        VariableCompiler(names, self._problems, known, self._listed, self._registry).compile_all(declared)
        destinations = self._destinations()
        triggers = self._triggers(names)
        tags, compiler = self._tags(destinations, triggers, names)
        tags = self._transformed(tags, compiler.names, names, destinations)
        self._warn(declared, names, destinations, triggers, compiler.used, tags)
        judge_comparisons(names.sides(), self._problems)
        return Container(
            version=version,
            destinations=MappingProxyType({name: one for name, one in destinations.items() if one is not None}),
            tags=tags,
            triggers=MappingProxyType({name: one for name, one in triggers.items() if one is not None}),
            variables=MappingProxyType(names.variables),
            consent=consent,
            privacy=privacy,
            rows=tuple(names.rows),
            secrets=self._secrets(tags, destinations),
        )

    def _secrets(self, tags: tuple[Tag, ...], destinations: Mapping[str, ConfiguredDestination | None]) -> KnownSecrets:
        """What no payload may hold: the secrets of all destinations, also of those that one tag has, and those of
        operations. One that is the name of an event stands in payloads anyhow: to look for it would protect nothing,
        and cost each of these events."""
        used = [one for one in (*destinations.values(), *(tag.destination for tag in tags)) if one is not None]
        rights = self._external.rights
        owned = rights.values if rights is not None else ()
        found = {*owned, *(secret for one in used for secret in secrets_of(one.settings))}
        return KnownSecrets(found.difference(KNOWN_EVENTS, *(one.names.standard.vendors for one in used)))

    def _listed(self, node: Node, path: str) -> str | None:
        """A variable of the environment that `environment:` lists; empty when it is not set, None after a problem."""
        name = self._decoder.text(node, path)
        if name is None:
            return None
        found = self._external.text(f"${{env:{name}}}", node.place, path, self._problems, free=False)
        if found is not None and found[1] is not None:
            self._problems.add("W307", node.place, path, f"{path}: {found[1]}", "the variable has no value")
        return None if found is None else found[0]

    def _check_roots(self) -> None:
        for tree in self._trees.values():
            self._decoder.map(tree, "", CONTAINER.keys)

    def _roots(self, name: str) -> list[Node]:
        trees = (tree for tree in self._trees.values() if isinstance(tree, Map))
        return [node for tree in trees if (node := tree.get(name)) is not None]

    def _single(self, name: str) -> Node | None:
        nodes = self._roots(name)
        for node in nodes[1:]:
            first = nodes[0].place
            hint = f"the first is at {first.file}:{first.line}"
            self._problems.add("E114", node.place, name, f"{name}: stands in two files", hint)
        return nodes[0] if nodes else None

    def _named(self, root: str) -> dict[str, tuple[Scalar, Node]]:
        """The entries of a map that may be split over files."""
        found: dict[str, tuple[Scalar, Node]] = {}
        for node in self._roots(root):
            for name, (key, held) in self._decoder.map(node, root).items():
                if hint := glued_entry(key, held):
                    self._problems.add("E111", key.place, f"{root}.{name}", f"{root} holds no such entry", hint)
                elif name in found:
                    first = found[name][0].place
                    hint = f"the first is at {first.file}:{first.line}"
                    self._problems.add("E114", key.place, f"{root}.{name}", f'"{name}" is defined twice', hint)
                else:
                    found[name] = (key, held)
        return found

    def _destinations(self) -> dict[str, ConfiguredDestination | None]:
        compiler = self._destination_compiler
        named = self._named("destinations")
        made = {name: compiler.compile(name, key, node) for name, (key, node) in named.items()}
        taken = set(made)
        for name, one in made.items():
            for alias in one.aliases if one is not None else ():
                if alias in taken:
                    path = f"destinations.{name}.aliases"
                    said = f'"{alias}" is the name of another destination, or was one'
                    self._problems.add("E114", named[name][0].place, path, said)
                taken.add(alias)
        return made

    def _triggers(self, names: Names) -> dict[str, CompiledTrigger | None]:
        compiler = TriggerCompiler(names, self._problems)
        return {name: compiler.compile(name, key, node) for name, (key, node) in self._named("triggers").items()}

    def _tags(
        self,
        destinations: Mapping[str, ConfiguredDestination | None],
        triggers: Mapping[str, CompiledTrigger | None],
        names: Names,
    ) -> tuple[tuple[Tag, ...], TagCompiler]:
        compiler = TagCompiler(destinations, triggers, names, self._problems, self._destination_compiler.for_tag)
        nodes = [pair for root in self._roots("tags") for pair in self._decoder.list(root, "tags")]
        tags = (compiler.compile(node, path) for node, path in nodes)
        return tuple(tag for tag in tags if tag is not None), compiler

    def _transformed(
        self,
        tags: tuple[Tag, ...],
        named: Iterable[str],
        names: Names,
        destinations: Mapping[str, ConfiguredDestination | None],
    ) -> tuple[Tag, ...]:
        """The tags with the transformations through which they see their events."""
        declared = self._named("transformations")
        if not declared:
            return tags
        compiler = TransformationCompiler(names, destinations, named, self._problems)
        made = (compiler.compile(name, key, node) for name, (key, node) in declared.items())
        scoped = [one for one in made if one is not None]
        return tuple(transformed(tag, scoped) for tag in tags)

    def _warn(
        self,
        variables: Mapping[str, tuple[Scalar, Node]],
        names: Names,
        destinations: Mapping[str, ConfiguredDestination | None],
        triggers: Mapping[str, CompiledTrigger | None],
        used: set[tuple[str, str]],
        tags: tuple[Tag, ...],
    ) -> None:
        for name, (key, _) in variables.items():
            if name not in names.used:
                self._problems.add(
                    "W301", key.place, f"variables.{name}", f'nothing uses the variable "{name}"', about=name
                )
        for kind, declared in (("destination", destinations), ("trigger", triggers)):
            for name, (key, _) in self._named_silently(f"{kind}s").items():
                if name in declared and (kind, name) not in used:
                    self._problems.add(
                        "W301", key.place, f"{kind}s.{name}", f'no tag uses the {kind} "{name}"', about=name
                    )
        seen: dict[tuple[str, frozenset[str]], Tag] = {}
        for tag in tags:
            if tag.event_name is not None or tag.paused:
                continue
            same = (tag.destination.name, frozenset(trigger.name for trigger in tag.triggers))
            first = seen.setdefault(same, tag)
            if first is not tag and first.name != tag.name:
                hint = "the first one in the file sends it"
                if tag.destination.settings != first.destination.settings:
                    hint += ", unless the destination gives them two names under their settings: see tagserver try"
                message = f'"{tag.name}" would send the same event to {tag.destination.name} as "{first.name}"'
                self._problems.add("W302", tag.place, f"tags.{tag.name}", message, hint)

    def _named_silently(self, root: str) -> dict[str, tuple[Scalar, Node]]:
        entries = (entry for node in self._roots(root) if isinstance(node, Map) for entry in node.entries)
        found: dict[str, tuple[Scalar, Node]] = {}
        for key, held in entries:
            found.setdefault(key.text, (key, held))
        return found
