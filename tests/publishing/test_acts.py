"""What serves after each act, under each mode, rolled back or not, before and after a restart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tagserver.publishing.serving import NoConfiguration, Refused
from tagserver.publishing.store import Store
from tests.config.world import REGISTRY

from .site import BROKEN, GOOD, Site, named

CASES = "- {name: all, event: {event: x}, expect: %s}\n"
SILENT = GOOD.replace("[all]", "[none]").replace("tags:", "triggers: {none: {event: nobody}}\ntags:")
Act = Callable[[Site], None]


def edited(text: str) -> Act:
    """Somebody writes the container, and the server looks at it."""

    def act(site: Site) -> None:
        site.write(text)
        site.look()

    return act


def other_server(site: Site) -> None:
    """Operations change server.yaml: another origin."""
    path = site.config / "server.yaml"
    path.write_text(path.read_text() + "collect: {origins: ['https://new.example']}\n")
    site.look()


def broken_server(site: Site) -> None:
    site.write("collectt: {}\n", "server.yaml")
    site.look()


def no_server(site: Site) -> None:
    """As in the middle of a checkout, beside a draft that nobody has published."""
    (site.config / "server.yaml").unlink()
    site.look()


def empty_server(site: Site) -> None:
    """As after a save on a full disk."""
    site.write("\n", "server.yaml")
    site.look()


def new_secret(site: Site) -> None:
    site.environ["TOKEN"] = "renewed-token"
    site.renew()


COMMENT = "# only a comment\n\n" + named("B").replace("[{name: B, destination: box", "[{destination: box, name: B")
TABLE = [
    # act                              auto   manual  rolled back: auto  manual
    ("nothing", lambda site: None, "B", "B", "A", "A"),
    ("a comment, blanks, keys in another order", edited(COMMENT), "B", "B", "A", "A"),
    ("an edit", edited(named("C")), "C", "B", "C", "A"),
    ("a broken edit", edited(BROKEN), "B", "B", "A", "A"),
    ("a file that is emptied, as by a full disk", edited(""), "B", "B", "A", "A"),
    ("an edit taken back", lambda site: (edited(BROKEN)(site), edited(named("B"))(site)), "B", "B", "A", "A"),
    ("another server.yaml", other_server, "B", "B", "A", "A"),
    ("a broken server.yaml", broken_server, "B", "B", "A", "A"),
    ("no server.yaml", no_server, "B", "B", "A", "A"),
    ("no server.yaml, and an edit", lambda site: (no_server(site), edited(named("C"))(site)), "C", "B", "C", "A"),
    ("an edit, and no server.yaml", lambda site: (edited(named("C"))(site), no_server(site)), "C", "B", "C", "A"),
    (
        "an edit, and an empty server.yaml",
        lambda site: (edited(named("C"))(site), empty_server(site)),
        "C",
        "B",
        "C",
        "A",
    ),
    ("SIGHUP without server.yaml", lambda site: (no_server(site), site.renew()), "B", "B", "A", "A"),
    ("SIGHUP", Site.renew, "B", "B", "A", "A"),
    ("SIGHUP with an edit not looked at", lambda site: (site.write(COMMENT), site.renew()), "B", "B", "A", "A"),
    ("a renewed secret", new_secret, "B", "B", "A", "A"),
    ("reload", Site.publish, "B", "B", "B", "B"),
    ("an edit and reload", lambda site: (site.write(named("C")), site.publish()), "C", "C", "C", "C"),
    ("rollback 1", lambda site: site.roll_back(1), "A", "A", "A", "A"),
    ("rollback 2, the newest", lambda site: site.roll_back(2), "B", "B", "B", "B"),
]
ROWS = [
    pytest.param(mode, back, act, want, id=f"{name}, {mode}{', rolled back' if back else ''}")
    for name, act, *wants in TABLE
    for (mode, back), want in zip(
        [("auto", False), ("manual", False), ("auto", True), ("manual", True)], wants, strict=True
    )
]


def two_versions(folder: Path, mode: str, back: bool) -> Site:
    """Version 1 has tag A, version 2 tag B; where it says so, somebody went back to 1."""
    site = Site(folder, f"reload: {mode}\n")
    site.start()
    site.write(named("B"))
    site.publish()
    if back:
        site.roll_back(1)
    return site


@pytest.mark.parametrize(("mode", "back", "act", "want"), ROWS)
def test_what_serves(tmp_path: Path, mode: str, back: bool, act: Act, want: str) -> None:
    """After the act, after a restart (as after a crash), and after another one."""
    site = two_versions(tmp_path, mode, back)
    act(site)
    assert site.tags == want
    for _ in range(2):
        site.start()
        assert site.tags == want, "after a restart"
        assert site.serves == [site.now.serving.number]


@pytest.mark.parametrize(
    ("mode", "edit", "want"),
    [
        *(("auto", named("C"), "C"), ("manual", named("C"), "B"), ("auto", BROKEN, "B"), ("manual", BROKEN, "B")),
        *(("auto", COMMENT, "B"), ("manual", COMMENT, "B")),
    ],
)
@pytest.mark.parametrize("back", [False, True])
def test_an_edit_while_it_is_down(tmp_path: Path, mode: str, edit: str, want: str, back: bool) -> None:
    """Under `manual` half-edited files never serve; under `auto` they do when they are sound and say something else."""
    site = two_versions(tmp_path, mode, back)
    if back:
        want = "A" if want == "B" else want
    site.write(edit)
    site.start()
    assert site.tags == want
    assert (site.now.serving.back is not None) == (want == "A")


def test_under_manual_it_is_said_that_the_files_differ(tmp_path: Path) -> None:
    site = Site(tmp_path, "reload: manual\n")
    assert site.start().remark is None
    for edit, differs in ((named("B"), True), (BROKEN, True), (GOOD + "# note\n", False), (named("B"), True)):
        site.write(edit)
        site.look()
        assert (site.now.remark is not None) == differs
        assert not site.now.degraded, "somebody edits: nothing is wrong"
        site.start()
        assert (site.now.remark is not None) == differs
    site.publish()
    assert site.now.remark is None


def test_the_first_start_publishes_the_files(tmp_path: Path) -> None:
    site = Site(tmp_path, "reload: manual\n")
    site.start()
    (one,) = site.listed
    assert (one["number"], one["by"], one["changed"], one["serves"]) == (1, "start", [], True)


def test_the_list_says_who_when_why_and_what(tmp_path: Path) -> None:
    site = Site(tmp_path, "reload: manual\n")
    site.start()
    site.write(
        "destinations: {box: {type: box}}\ntriggers: {new: {event: y}}\nconsent: {gpc: block}\n"
        "tags: [{name: B, destination: box, triggers: [new]}, {name: A, destination: box, triggers: [all]}]\n"
    )
    site.publish("for the autumn sale")
    two, one = site.listed
    assert set(two) == {"number", "version", "published", "by", "note", "changed", "serves"}
    assert (two["by"], two["note"], two["changed"]) == ("anna", "for the autumn sale", ["new", "B", "consent"])
    assert two["published"] > one["published"] > 0
    assert two["version"] == site.now.container.version != one["version"]
    site.roll_back(1)
    assert [one["serves"] for one in site.listed] == [False, True]
    site.publish()
    assert [(one["number"], one["serves"]) for one in site.listed] == [(3, True), (2, False), (1, False)]
    assert site.now.serving.ended == 1


def test_under_auto_the_server_publishes(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.start()
    edited(named("B"))(site)
    assert [one["by"] for one in site.listed] == ["auto", "start"]
    site.write(named("C"))
    site.start()
    assert site.listed[0]["by"] == "start"


def test_files_that_mean_the_same_are_no_new_version(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.start()
    site.write("# a comment\n" + GOOD)
    site.look()
    site.publish()
    assert len(site.listed) == 1


def test_tests_must_pass_before_it_is_published(tmp_path: Path) -> None:
    """By the server, by somebody, and at the first start; not for the way back."""
    site = Site(tmp_path, "reload: require_tests\n")
    site.write(CASES % "{send: [A]}", "site.test.yaml")
    site.start()
    edited(SILENT)(site)
    assert (site.serves, [one.code for one in site.now.problems]) == ([1], ["T401"])
    with pytest.raises(Refused) as refused:
        site.publish()
    assert [one.code for one in refused.value.problems] == ["T401"]
    site.write(CASES % "{silent: true}", "site.test.yaml")
    site.look()
    assert (site.serves, site.now.degraded) == ([2], False)
    site.roll_back(1)
    assert site.serves == [1]


def test_a_rollback_touches_marketings_files_alone(tmp_path: Path) -> None:
    """A site's origins are those of today, whatever they were when the version was published."""
    site = Site(tmp_path, "collect: {origins: ['https://old.example']}\n")
    site.start()
    edited(named("B"))(site)
    site.write("collect: {origins: ['https://new.example']}\n", "server.yaml")
    site.look()
    site.roll_back(1)
    for _ in range(2):
        assert (site.tags, site.now.server.collect.origins) == ("A", ("https://new.example",))
        site.start()
    assert not any(b"example" in path.read_bytes() for path in (site.data / "versions").iterdir())


def test_a_broken_server_yaml_keeps_the_running_one_and_hinders_nobody(tmp_path: Path) -> None:
    """Not over a restart, and not who publishes or goes back; its problems are shown."""
    site = Site(tmp_path, "collect: {origins: ['https://old.example']}\n")
    site.start()
    site.write("collect: {origin: ['https://new.example']}\n", "server.yaml")
    for act in (site.look, site.renew, site.start, lambda: edited(named("B"))(site), lambda: site.roll_back(1)):
        act()
        assert site.now.server.collect.origins == ("https://old.example",)
        assert [one.place.file for one in site.now.problems] == ["server.yaml"]
        assert site.now.degraded
    for lost in ("", "\n"):
        site.write(lost, "server.yaml")
        site.look()
        assert [one.message for one in site.now.problems] == ["server.yaml is gone or empty"]
        assert site.now.server.collect.origins == ("https://old.example",)
    site.write("{}", "server.yaml")
    site.look()
    assert not site.now.degraded
    assert site.now.server.collect.origins == ()


@pytest.mark.parametrize(
    ("name", "text"),
    [("server.yaml", "collectt: {}\n"), ("server.yaml", ""), ("container.yaml", BROKEN)],
    ids=["a broken server.yaml", "an emptied server.yaml", "a broken draft"],
)
def test_a_strict_start_takes_todays_files_or_none(tmp_path: Path, name: str, text: str) -> None:
    site = Site(tmp_path, "reload: manual\n")
    site.start(strict=True)
    sound = (site.config / name).read_text()
    site.write(text, name)
    with pytest.raises(NoConfiguration):
        site.start(strict=True)
    assert site.start().serving.number == 1
    site.write(sound, name)
    assert not site.start(strict=True).degraded


def test_a_server_yaml_that_does_not_suit_what_serves(tmp_path: Path) -> None:
    """It is sound by itself, and takes away a variable that the container needs: the site goes on as it was."""
    site = Site(tmp_path, "environment: [ACCOUNT]\n")
    site.write(GOOD.replace("type: box", 'type: box, account: "${env:ACCOUNT}"'))
    site.start()
    site.write("debug: true\n", "server.yaml")
    site.look()
    for _ in range(2):
        assert (site.tags, site.now.server.debug, site.now.degraded) == ("A", False, True)
        site.start()
    site.write(GOOD)
    site.look()
    assert (site.tags, site.now.server.debug, site.now.degraded) == ("A", True, False)


def test_a_rollback_to_what_does_not_compile_changes_nothing(tmp_path: Path) -> None:
    site = Site(tmp_path, "environment: [ACCOUNT]\n")
    site.write(GOOD.replace("type: box", 'type: box, account: "${env:ACCOUNT}"'))
    site.start()
    edited(named("B"))(site)
    site.write("{}", "server.yaml")
    site.look()
    before = site.now
    with pytest.raises(Refused) as refused:
        site.roll_back(1)
    assert refused.value.problems
    for number in (3, 99):
        with pytest.raises(Refused, match="not kept"):
            site.roll_back(number)
    assert (site.now, site.serves) == (before, [2])


@pytest.mark.parametrize("again", [Site.start, Site.look, Site.renew])
def test_a_version_that_cannot_serve_any_more(tmp_path: Path, again: Act) -> None:
    """An earlier one stands in for it, never the draft; it is said, and the version serves again once it can."""
    site = Site(tmp_path, "reload: manual\nenvironment: [ACCOUNT]\n")
    site.start()
    site.write(named("B").replace("type: box", 'type: box, account: "${env:ACCOUNT}"'))
    site.publish()
    site.write(named("C"))
    site.write("reload: manual\n", "server.yaml")
    (site.data / "last-good.json").unlink()
    site.start()
    assert (site.tags, site.serves) == ("A", [1])
    assert site.now.degraded
    assert site.now.notices == ["version 2 cannot serve any more: 1 stands in for it"]
    site.write("reload: manual\nenvironment: [ACCOUNT]\n", "server.yaml")
    again(site)
    assert (site.tags, site.serves, site.now.notices, site.now.degraded) == ("B", [2], [], False)
    site.start()
    assert (site.tags, site.serves) == ("B", [2])


def test_a_version_that_was_gone_back_to_and_cannot_serve_any_more(tmp_path: Path) -> None:
    """The rollback is to that version, not to the one that stands in; and the problem is not in today's files."""
    site = Site(tmp_path, "reload: manual\n")
    site.start()
    site.write("reload: manual\nenvironment: [ACCOUNT]\n", "server.yaml")
    site.write(named("B").replace("type: box", 'type: box, account: "${env:ACCOUNT}"'))
    site.publish()
    site.write(named("C"))
    site.publish()
    site.roll_back(2)
    site.write("reload: manual\n", "server.yaml")
    site.look()
    (problem,) = site.now.problems
    assert problem.message.startswith("in version 2: ${env:ACCOUNT} may not be read here")
    (site.data / "last-good.json").unlink()
    site.start()
    assert site.now.notices == [
        "version 2 cannot serve any more: 1 stands in for it",
        "rolled back to version 2, until somebody publishes",
    ]
    assert (site.serves, Store(site.data).listed()["rolled_back"]["number"]) == ([1], 2)
    with pytest.raises(Refused) as refused:
        site.roll_back(2)
    assert refused.value.problems[0].message.startswith("in version 2: ")
    site.publish()
    assert (site.tags, site.now.serving.ended) == ("C", 2)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": "x"}', b"[" * 10_000])
def test_a_version_that_is_damaged(tmp_path: Path, content: bytes) -> None:
    site = Site(tmp_path, "reload: manual\n")
    site.start()
    site.write(named("B"))
    site.publish()
    (site.data / "versions" / "000002.json").write_bytes(content)
    site.write(named("C"))
    site.start()
    assert (site.tags, site.serves) == ("A", [1])
    (site.data / "versions" / "000001.json").write_bytes(content)
    site.start()
    assert site.tags == "C", "there is nothing else"


def test_a_start_writes_nothing_before_the_folder_is_its_own(tmp_path: Path) -> None:
    """Another server may run on it."""
    site = Site(tmp_path)
    site.start()
    before = {path: path.read_bytes() for path in site.data.rglob("*") if path.is_file()}
    site.write(named("B"))
    site.publishing.start()
    assert {path: path.read_bytes() for path in site.data.rglob("*") if path.is_file()} == before


def test_a_data_folder_that_is_gone_keeps_nobody_from_publishing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said that a restart would serve the older one; once it is back, the next act keeps it."""
    site = Site(tmp_path, "reload: manual\n")
    site.start()
    site.data.rename(tmp_path / "elsewhere")
    site.write(named("B"))
    site.publish()
    assert site.tags == "B"
    assert "could not be kept" in caplog.text
    assert "a restart would serve" in site.now.notices[0]
    site.renew()
    assert "a restart would serve" in site.now.notices[0]
    (tmp_path / "elsewhere").rename(site.data)
    site.start()
    assert site.tags == "A"
    site.publish()
    assert (site.now.notices, site.serves) == ([], [2])


def test_a_rollback_that_cannot_be_kept_is_said_too(tmp_path: Path) -> None:
    site = Site(tmp_path, "reload: manual\n")
    site.start()
    site.write(named("B"))
    site.publish()
    (site.data / "serving.json").unlink()
    (site.data / "serving.json").mkdir()
    site.roll_back(1)
    assert site.tags == "A"
    assert any("a restart would serve" in one for one in site.now.notices)
    (site.data / "serving.json").rmdir()
    site.renew()
    assert not any("a restart would serve" in one for one in site.now.notices)
    site.start()
    assert site.tags == "A"


def test_a_kill_between_the_two_files_of_a_publication(tmp_path: Path) -> None:
    """The version is written and nothing points to it: the old one serves, and the next publication takes its place."""
    site = Site(tmp_path, "reload: manual\n")
    site.start()
    before = (site.data / "serving.json").read_bytes()
    site.write(named("B"))
    site.publish()
    (site.data / "serving.json").write_bytes(before)
    site.start()
    assert (site.tags, [one["number"] for one in site.listed]) == ("A", [1])
    with pytest.raises(Refused):
        site.roll_back(2)
    site.write(named("C"))
    site.publish()
    assert (site.tags, site.serves) == ("C", [2])


def test_the_newest_twenty_are_kept_and_what_is_needed(tmp_path: Path) -> None:
    """Also the one that served before: somebody may want to go back to it."""
    site = Site(tmp_path, "reload: manual\n")
    site.start()
    for number in range(2, 26):
        site.write(named(f"T{number}"))
        site.publish()
    assert [one["number"] for one in site.listed] == list(range(25, 5, -1))
    site.roll_back(6)
    site.write(named("new"))
    site.publish()
    assert [one["number"] for one in site.listed] == [*range(26, 5, -1)]
    assert site.now.serving.ended == 6


def test_the_admin_token_is_renewed(tmp_path: Path) -> None:
    site = Site(tmp_path)
    assert site.start().admin_token.token is None
    site.environ["TAGSERVER_ADMIN_TOKEN"] = "a-new-admin-token"
    site.renew()
    assert site.now.admin_token.token is not None
    assert site.now.admin_token.token.reveal() == "a-new-admin-token"


def test_a_plugin_that_is_gone_pauses_its_destination_and_no_other(tmp_path: Path) -> None:
    """Over a start, what serves goes on without it. A person's publication or rollback of such files is refused."""
    site = Site(tmp_path)
    two = GOOD.replace("box}", "box}, crate: {type: crate}").replace(
        "}]", "}, {name: C, destination: crate, triggers: [all]}]"
    )
    site.registry = replace(REGISTRY, destinations={**REGISTRY.destinations, "crate": REGISTRY.destinations["box"]})
    site.write(two)
    site.start()
    assert site.tags == "A C"
    site.registry = REGISTRY
    site.start()
    assert (site.tags, site.serves) == ("A C", [1])
    destinations = site.now.container.destinations
    assert destinations["box"].paused is None
    assert (
        destinations["crate"].paused
        == 'the type "crate" cannot be used: the plugin that brought it is not installed any more'
    )
    assert [one.code for one in site.now.problems] == ["P211"]
    for act in (site.publish, lambda: site.roll_back(1)):
        with pytest.raises(Refused) as refused:
            act()
        assert [one.code for one in refused.value.problems] == ["E140"]
