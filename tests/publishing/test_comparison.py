"""The draft beside what serves, and one version beside the one before."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from tagserver.config.covered import COVER
from tagserver.publishing.comparison import LONGEST_FILE, Comparing, NoComparison
from tagserver.publishing.publishing import Publishing
from tests.config.world import REGISTRY

from .site import BROKEN, GOOD, Site, named

CASE = """
- name: everything goes to A
  event: {event: purchase}
  expect: {send: [A]}
"""
SECRET = "sentinel-4711-of-somebody"


def site(tmp_path: Path) -> tuple[Site, Comparing]:
    made = Site(tmp_path, "reload: manual")
    made.start()
    return made, Comparing(made.publishing, lambda: made.now)


async def test_the_same(tmp_path: Path) -> None:
    """A comment is no change."""
    made, comparing = site(tmp_path)
    made.write(GOOD + "# more\n")
    found = await comparing.draft()
    assert (found.draft.differs, found.draft.refused, found.changes, found.effects) == (False, (), (), ())


async def test_what_the_draft_would_change(tmp_path: Path) -> None:
    """By name, and for the events of the folder's cases."""
    made, comparing = site(tmp_path)
    made.write(GOOD.replace("triggers: [all]", "triggers: [all], parameters: {colour: blue}"))
    made.write(CASE, "all.test.yaml")
    found = await comparing.draft()
    assert [(one.sign, one.what, one.name) for one in found.changes] == [("~", "tag", "A")]
    assert [(one.tag, one.before, one.after) for one in found.effects] == [("A", "send", "send")]
    assert found.cases == 1


async def test_a_draft_with_errors(tmp_path: Path) -> None:
    """Its problems are there, and whatever can be compared."""
    made, comparing = site(tmp_path)
    made.write(BROKEN)
    found = await comparing.draft()
    assert [one.code for one in found.draft.problems] == ["E101"]
    assert found.draft.refused
    assert found.effects == ()


async def test_cases_that_fail_keep_a_draft_from_being_published(tmp_path: Path) -> None:
    """Where `reload: require_tests` says so."""
    made, comparing = site(tmp_path)
    made.write("reload: require_tests", "server.yaml")
    made.write(named("B"))
    made.write(CASE, "all.test.yaml")
    found = await comparing.draft()
    assert found.draft.fit.container is not None
    assert [one.message for one in found.draft.refused] == ['unknown tag "A"']


async def test_a_folder_that_cannot_be_read(tmp_path: Path) -> None:
    """It is said; what serves goes on."""
    made, comparing = site(tmp_path)
    folder = made.publishing.folder
    unread = Publishing(replace(folder, env_file=tmp_path / "no.env"), made.publishing.store, made.publishing.time)
    with pytest.raises(NoComparison, match=r"cannot be read: .*no\.env"):
        await Comparing(unread, lambda: made.now).draft()
    assert comparing.registry is REGISTRY


async def test_those_who_ask_together_share_one_look(tmp_path: Path) -> None:
    """And who asks later gets a look of its own."""
    made, comparing = site(tmp_path)
    one, other = await asyncio.gather(comparing.draft(), comparing.draft())
    assert one is other
    made.write(named("B"))
    assert (await comparing.draft()).draft.differs


async def test_after_an_act_nobody_gets_the_look_of_before(tmp_path: Path) -> None:
    """Though it was still under way."""
    made, comparing = site(tmp_path)
    made.write(named("B"))
    first = asyncio.create_task(comparing.draft())
    await asyncio.sleep(0)
    made.now = made.publishing.publish(made.now, "anna", "")
    assert not (await comparing.draft()).draft.differs
    assert (await first).draft.differs


async def test_a_version(tmp_path: Path) -> None:
    """Its files, and what it changed, by name and by line."""
    made, comparing = site(tmp_path)
    made.write(named("B"))
    made.now = made.publishing.publish(made.now, "anna", "b, not a")
    found = await comparing.version(2)
    assert (found.version.by, found.version.note, found.before and found.before.number) == ("anna", "b, not a", 1)
    assert [(one.sign, one.name) for one in found.changes] == [("~", "B")]
    (file,) = found.files
    assert [line for line in file.lines if line[0] in "+-"] == [
        "-tags: [{name: A, destination: box, triggers: [all]}]",
        "+tags: [{name: B, destination: box, triggers: [all]}]",
    ]
    first = await comparing.version(1)
    assert (first.before, first.files) == (None, ())


@pytest.mark.parametrize("number", [0, 3, 10**14])
async def test_a_version_that_is_not_kept(tmp_path: Path, number: int) -> None:
    _, comparing = site(tmp_path)
    with pytest.raises(NoComparison, match="is not kept"):
        await comparing.version(number)


async def test_a_secret_in_an_old_version_is_in_no_line(tmp_path: Path) -> None:
    """It was refused, or the version is of another time: nobody repeats it."""
    made, comparing = site(tmp_path)
    bad = f"destinations: {{v: {{type: vault, token: {SECRET}}}}}\n"
    entry = (await comparing.version(1)).version
    made.publishing.store.publish(entry, {"container.yaml": bad.encode()})
    made.write(named("B"))
    made.now = made.publishing.publish(made.now, "anna", "")
    found = await comparing.version(2)
    told = repr((found.changes, found.files))
    assert SECRET not in told
    assert COVER in told


async def test_a_long_file_is_not_compared_line_by_line(tmp_path: Path) -> None:
    made, comparing = site(tmp_path)
    made.write(named("B") + "# x\n" * (LONGEST_FILE + 1))
    made.now = made.publishing.publish(made.now, "anna", "")
    (file,) = (await comparing.version(2)).files
    assert (file.too_long, file.lines) == (True, ())
