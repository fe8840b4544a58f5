"""What serves after each act, under each mode, rolled back or not, before and after a restart."""

from __future__ import annotations

from pathlib import Path

import pytest

from tagserver.publishing.serving import Refused

from .site import BROKEN, GOOD, Act, Site, edited, named

CASES = "- {name: all, event: {event: x}, expect: %s}\n"
SILENT = GOOD.replace("[all]", "[none]").replace("tags:", "triggers: {none: {event: nobody}}\ntags:")


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
