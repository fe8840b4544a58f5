"""`tagserver versions`, and what `reload` and `rollback` say without a server."""

from __future__ import annotations

from tagserver.publishing.store import Back, Store, Version

from .conftest import Shop

TEXTS = {"container.yaml": b"tags: []\n"}


def published(shop: Shop) -> Store:
    """Two versions in the data folder."""
    (shop.folder / "data").mkdir()
    store = Store(shop.folder / "data")
    store.publish(Version(number=1, version="aaaaaaaaaaaa", published=1_700_000_000_000, by="start"), TEXTS)
    names = tuple(f"Tag {number}" for number in range(8))
    two = Version(
        number=2, version="bbbbbbbbbbbb", published=1_700_000_060_000, by="anna", note="for the sale\x1b", changed=names
    )
    store.publish(two, TEXTS)
    return store


def test_the_list(shop: Shop) -> None:
    store = published(shop)
    done = shop("versions")
    assert (done.code, done.out.splitlines()) == (
        0,
        [
            "     2  bbbbbbbbbbbb  2023-11-14 22:14:20 UTC  serves  by anna",
            "        for the sale\\x1b",
            "        changed: Tag 0, Tag 1, Tag 2, Tag 3, Tag 4, Tag 5 and 2 more",
            "     1  aaaaaaaaaaaa  2023-11-14 22:13:20 UTC          by start",
        ],
    )
    store.go_back(1, Back(instead_of={}, at=1_700_000_120_000, by="bert", note="too many"))
    assert shop("versions").out.splitlines()[-2:] == [
        "     1  aaaaaaaaaaaa  2023-11-14 22:13:20 UTC  serves  by start",
        "        rolled back to on 2023-11-14 22:15:20 UTC by bert: too many",
    ]


def test_for_machines(shop: Shop) -> None:
    store = published(shop)
    shown = shop("versions", "--json").json
    assert shown == store.listed()
    assert shown["versions"][0]["serves"] is True
    assert shown["rolled_back"] is None


def test_what_serves_cannot_be_read(shop: Shop) -> None:
    """The newest one is marked, as a start would have it, and that is said."""
    store = published(shop)
    store.go_back(1, Back(instead_of={}, at=10**18))
    assert shop("versions").out.splitlines()[-1].endswith("a time that no calendar has by nobody knows")
    (shop.folder / "data" / "serving.json").write_text("{")
    done = shop("versions")
    assert "serves  by anna" in done.out
    for words in (["versions"], ["versions", "--json"], ["plan"]):
        assert "serving.json cannot be read: a server that starts serves the newest version" in shop(*words).err


def test_nothing_was_published(shop: Shop) -> None:
    (shop.folder / "data").mkdir()
    done = shop("versions")
    assert (done.code, done.out) == (0, "Nothing was published from the data folder data yet.\n")
    assert shop("versions", "--json").json == {"versions": [], "rolled_back": None}


def test_without_a_server(shop: Shop) -> None:
    for words in (["reload"], ["reload", "--server"], ["rollback", "1"], ["rollback", "--note", "x", "1"]):
        done = shop(*words)
        assert (done.code, done.out) == (3, "")
    for words in (["reload", "--note", "x" * 2001], ["rollback", "1", "--note", "x" * 2001]):
        assert "2001 characters, and 2000 are the most" in shop(*words).err
    for words in (["rollback"], ["rollback", "0"], ["rollback", "x"], ["reload", "--server", "--note", "x"]):
        assert shop(*words).code == 2
