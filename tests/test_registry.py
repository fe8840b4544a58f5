"""Who has a type: ours is ours whatever others are called, of two strangers nobody has it, and all of it is said."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint, distributions
from pathlib import Path

import pytest

from tagserver.config.model import Container
from tagserver.plugin.loading import LONGEST_ERROR
from tagserver.plugin.registry import Registry

from .config.world import codes, load

CLASS = """
class {name}(Destination):
    "Brought by {module}."
    type = "{kind}"
    api_version = 1
    Settings = make_dataclass("Settings", [])
    consent = ConsentNeeds(())
    limits = Limits()
    {more}
    def hosts(self, settings): return ()
    def build(self, event, parameters, settings, mode): ...
    def request(self, payloads, settings): ...
"""
HEAD = """
from dataclasses import make_dataclass
from tagserver.plugin import ConsentNeeds, Destination, Limits, Variable, hookimpl
"""
VARIABLE = """
class Kind(Variable):
    type = "{kind}"
@hookimpl
def register_variables(register): register(Kind)
"""


class Site:
    """Packages that are installed into a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.modules: list[str] = []

    def install(
        self,
        package: str,
        *types: str,
        entry: str = "",
        more: str = "",
        kind: str = "",
        head: str = "",
        version: str = "1.0",
    ) -> None:
        """One package with a module that registers destinations of these types, and a kind of variable."""
        module = f"site_{package.replace('-', '_')}_{len(self.modules)}"
        names = [f"One{number}" for number in range(len(types))]
        made = zip(names, types, strict=True)
        source = HEAD + head + "".join(CLASS.format(name=n, kind=t, more=more, module=module) for n, t in made)
        source += VARIABLE.format(kind=kind) if kind else ""
        registers = "\n".join(f"    register({name})" for name in names) or "    pass"
        source += f"@hookimpl\ndef register_destinations(register):\n{registers}\n"
        (self._folder / f"{module}.py").write_text(source)
        info = self._folder / f"{package}-{version}.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
        with (info / "entry_points.txt").open("a") as file:
            file.write(f"[tagserver]\n{entry or package} = {module}\n")
        self.modules.append(module)

    def points(self) -> list[EntryPoint]:
        """Of what is installed here."""
        found = distributions(path=[str(self._folder)])
        return [point for one in found for point in one.entry_points]

    def load(self) -> Registry:
        """The registry of what is installed here."""
        return Registry.load(self.points())


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.syspath_prepend(str(tmp_path))
    made = Site(tmp_path)
    yield made
    for module in made.modules:
        sys.modules.pop(module, None)


def owner(registry: Registry, kind: str) -> str:
    """Whose class has a type."""
    return registry.destinations[kind].__module__


def errors(registry: Registry) -> dict[str, str]:
    """Plugin → what is said of it."""
    return {one.name: one.error for one in registry.plugins if one.error is not None}


@pytest.mark.parametrize("entry", ["a", "zzz", "acme"])
@pytest.mark.parametrize("package", ["aaa", "tagserver-acme", "zzz"])
def test_ours_wins_whatever_the_other_is_called(site: Site, entry: str, package: str) -> None:
    site.install(package, "acme", "own", entry=entry, version="2.0")
    site.install("tagserver", "acme", entry="mm")
    registry = site.load()
    assert owner(registry, "acme").startswith("site_tagserver_1")
    said = f"the type acme is tagserver's own, and that of {package} 2.0 is not used: it needs a type of its own"
    assert errors(registry) == {entry: said}
    assert dict(registry.shadowed) == {"acme": said}
    (other,) = registry.failed
    assert (other.destinations, other.refused) == (("own",), ("acme",)), "what else it brings is used"


def test_of_two_strangers_nobody_has_it_and_both_are_named(site: Site) -> None:
    site.install("parcels-a", "parcels", "only-a", version="1.5")
    site.install("parcels-b", "parcels", "only-b")
    registry = site.load()
    assert set(registry.destinations) == {"only-a", "only-b"}
    said = "parcels-a 1.5 and parcels-b 1.0 bring the type parcels, and nobody's is used: remove all but one of them"
    assert errors(registry) == dict.fromkeys(["parcels-a", "parcels-b"], said)


def test_what_uses_such_a_type_is_paused_with_both_names(site: Site) -> None:
    """And the rest of the container serves: another package that is installed takes no site down."""
    site.install("parcels-a", "parcels")
    site.install("parcels-b", "parcels")
    site.install("tagserver", "well")
    loaded = load({"c.yaml": "destinations: {p: {type: parcels}, w: {type: well}}\ntags: []\n"}, {}, site.load())
    assert isinstance(loaded.container, Container)
    (paused,) = (one for one in loaded.problems if one.code != "W301")
    assert paused.code == "P211"
    assert "parcels-a 1.0 and parcels-b 1.0 bring the type parcels" in paused.message
    assert loaded.container.destinations["p"].paused
    assert loaded.container.destinations["w"].paused is None


def test_the_order_in_which_they_are_found_changes_nothing(site: Site) -> None:
    for package in ("one", "tagserver", "two", "three"):
        site.install(package, "ours" if package in ("one", "tagserver") else "theirs")
    points = site.points()
    found = [Registry.load(order) for order in itertools.permutations(points)]
    assert all(one.destinations == found[0].destinations for one in found)
    assert all(errors(one) == errors(found[0]) for one in found)
    assert set(found[0].destinations) == {"ours"}


def test_one_package_that_brings_a_type_twice(site: Site) -> None:
    """Under two classes nobody knows which; a module that is named twice is one plugin all the same."""
    site.install("parcels", "parcels", "parcels")
    assert errors(site.load()) == {
        "parcels": "parcels 1.0 brings the type parcels 2 times, and none of them is used: keep one"
    }


def test_a_module_that_is_named_twice_is_one_plugin(site: Site) -> None:
    site.install("parcels", "parcels")
    (point,) = site.points()
    again = EntryPoint("again", point.value, point.group)
    registry = Registry.load([point, again])
    assert set(registry.destinations) == {"parcels"}
    assert registry.failed == ()


def test_kinds_of_variables_are_settled_the_same_way(site: Site) -> None:
    site.install("one", kind="slug")
    site.install("two", kind="slug")
    site.install("three", kind="initials")
    site.install("tagserver", kind="initials")
    registry = site.load()
    assert type(registry.variables["initials"]).__module__.startswith("site_tagserver")
    assert "slug" not in registry.variables
    assert registry.conflicts["slug"].startswith("one 1.0 and two 1.0 bring the kind slug")
    loaded = load({"c.yaml": "variables: {v: {slug: {}}}\ntags: []\ndestinations: {}\n"}, {}, registry)
    assert any("one 1.0 and two 1.0" in one.message for one in loaded.problems if one.code == "P211")


def test_what_is_refused_is_named_where_it_is_used_and_no_other(site: Site) -> None:
    """Not the first plugin that failed, which has nothing to do with it."""
    site.install("aaa", "first", more="api_version = 99")
    site.install("bbb", "second", more="reads = 'user_data'")
    registry = site.load()
    assert registry.destinations == {}
    loaded = load({"c.yaml": "destinations: {p: {type: second}}\ntags: []\n"}, {}, registry)
    (problem,) = (one for one in loaded.problems if one.code == "P211")
    assert "bbb could not be loaded (One0: `reads` is the one text 'user_data': write ('user_data',), with" in (
        problem.message
    )
    assert registry.why_missing("bbb", sure=True) == registry.why_missing("second"), "by the name of the plugin"
    typo = load({"c.yaml": "destinations: {p: {type: thrid}}\ntags: []\n"}, {}, registry)
    assert "E140" in codes(typo), "nobody has brought it"


@pytest.mark.parametrize(
    "text",
    ["a\\nb\\x1b[31m", "x" * 10_000, "erika@people.example and Bearer abcdefgh12345678", "\\ud800"],
    ids=["control characters", "long", "personal", "half a character"],
)
def test_what_an_error_says_is_one_line_that_can_be_shown(site: Site, text: str) -> None:
    """Its text is a stranger's, and may hold anything."""
    site.install("odd", head=f"raise ImportError('{text}')\n")
    (error,) = errors(site.load()).values()
    assert error.startswith("ImportError: ")
    assert error.isprintable()
    assert len(error) <= LONGEST_ERROR + 1
    assert "erika@" not in error
    assert "abcdefgh12345678" not in error


def test_a_class_that_fails_when_it_is_looked_at(site: Site) -> None:
    head = "class Meta(type):\n    def __getattribute__(cls, name):\n        raise RuntimeError('no')\n"
    site.install("odd", head=head + "@hookimpl\ndef register_variables(register): register(Meta('M', (), {}))\n")
    site.install("well", "well")
    registry = site.load()
    assert set(registry.destinations) == {"well"}
    assert [one.name for one in registry.failed] == ["odd"]


def test_an_installation_that_was_broken_off_hurts_nobody(site: Site, tmp_path: Path) -> None:
    """Who it is cannot be told any more; what it brings works."""
    site.install("parcels-a", "parcels", entry="a")
    site.install("parcels-b", "boxes", entry="b")
    (tmp_path / "parcels-a-1.0.dist-info" / "METADATA").unlink()
    registry = site.load()
    assert (set(registry.destinations), errors(registry)) == ({"parcels", "boxes"}, {})


BROKEN = ["[tagserver]\nno sign\n", "[tagserver]\n= =\na = b:c:d\n", "[tagserver]\na = \n"]


@pytest.mark.parametrize("broken", BROKEN)
def test_a_list_of_plugins_that_cannot_be_read_hurts_that_package_alone(
    site: Site, tmp_path: Path, broken: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Also of a package that is no plugin of ours."""
    site.install("parcels-b", "boxes")
    other = tmp_path / "other-1.0.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (other / "entry_points.txt").write_text(broken)
    registry = Registry.load()
    assert {"boxes", "meta_capi"} <= set(registry.destinations)
    assert "a package's list of plugins cannot be read" in caplog.text or errors(registry), "and it is said"
