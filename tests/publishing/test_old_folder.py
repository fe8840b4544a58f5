"""A data folder of 0.1, where versions held server.yaml, and a rollback was a pin: it is taken over as it stands."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import pytest

from tagserver.publishing.serving import NoConfiguration
from tagserver.publishing.store import Store

from .site import BROKEN, GOOD, Site, named

SERVER = "collect: {origins: ['https://old.example']}\n"


def old_hash(texts: dict[str, str]) -> str:
    """A version's hash as 0.1 made it: of all files, byte for byte."""
    digest = hashlib.sha256()
    for name, text in sorted(texts.items()):
        digest.update(f"{name}\0{len(text)}\0".encode() + text.encode())
    return digest.hexdigest()[:12]


def encoded(texts: dict[str, str]) -> dict[str, str]:
    return {name: base64.b64encode(text.encode()).decode() for name, text in texts.items()}


def old_folder(data: Path, *containers: str) -> list[str]:
    """Versions as 0.1 kept them, the last of them as the last good one too; their hashes."""
    (data / "versions").mkdir()
    hashes = []
    for number, container in enumerate(containers, 1):
        texts = {"container.yaml": container, "server.yaml": SERVER}
        hashes.append(old_hash(texts))
        held = {"version": hashes[-1], "since": 1000 + number, "files": encoded(texts)}
        (data / "versions" / f"{number:06}.json").write_text(json.dumps(held))
        (data / "last-good.json").write_text(json.dumps(encoded(texts)))
    return hashes


@pytest.mark.parametrize("mode", ["auto", "manual"])
def test_the_newest_serves_on(tmp_path: Path, mode: str) -> None:
    """And an upgrade is no edit: nothing is published by it."""
    site = Site(tmp_path, f"reload: {mode}\n")
    old_folder(site.data, named("A"), named("B"))
    site.write("# since then\n" + named("B"))
    site.start()
    assert (site.tags, site.now.remark) == ("B", None)
    assert [(one["number"], one["published"], one["by"], one["serves"]) for one in site.listed] == [
        (2, 1002, "", True),
        (1, 1001, "", False),
    ]
    assert site.listed[0]["version"] == site.now.container.version
    site.roll_back(1)
    assert (site.tags, site.now.server.collect.origins) == ("A", ())


@pytest.mark.parametrize("mode", ["auto", "manual"])
def test_a_rollback_holds(tmp_path: Path, mode: str) -> None:
    site = Site(tmp_path, f"reload: {mode}\n")
    _, two = old_folder(site.data, named("A"), named("B"))
    (site.data / "pinned.json").write_text(json.dumps({"number": 1, "instead_of": two}))
    site.write("# a comment\n" + named("B"))
    for _ in range(2):
        site.start()
        assert (site.tags, site.serves) == ("A", [1])
    assert not (site.data / "pinned.json").exists()
    site.publish()
    assert (site.tags, site.now.serving.number, site.now.serving.ended) == ("B", 3, 1)


def test_the_last_good_one_alone(tmp_path: Path) -> None:
    """It becomes the first version; its server.yaml stands in for a broken one."""
    site = Site(tmp_path, "collectt: {}\n")
    (site.data / "last-good.json").write_text(json.dumps(encoded({"container.yaml": GOOD, "server.yaml": SERVER})))
    site.write(BROKEN)
    for _ in range(2):
        site.start()
        assert (site.tags, site.now.degraded) == ("A", True)
        assert site.now.server.collect.origins == ("https://old.example",)
    assert Store(site.data).texts(1) == {"container.yaml": GOOD.encode()}


def test_what_is_published_can_be_seen_without_a_start(tmp_path: Path) -> None:
    """`versions` and `plan` only read."""
    site = Site(tmp_path)
    old_folder(site.data, named("A"), named("B"))
    before = sorted(path.name for path in site.data.rglob("*"))
    assert [one["serves"] for one in site.listed] == [True, False]
    assert sorted(path.name for path in site.data.rglob("*")) == before


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"[]", b"null", b"7", b'"x"', b'{"container.yaml": 7}', b'{"container.yaml": null}', b"\xff\xfe"),
        *(b'{"container.yaml": "%%%"}', b'{"container.yaml": "dGFn*czo="}', b"[" * 100_000, b'{"a":' * 100_000),
        json.dumps({"container.yaml": "dGFnczogWwo="}).encode(),
        *(b'{"number": -5, "newest": 1}', b'{"number": 3, "newest": 1}', b'{"number": 1e30, "newest": 1e30}'),
    ],
    ids=lambda content: repr(content[:30]),
)
@pytest.mark.parametrize("name", ["last-good.json", "serving.json", "pinned.json", "versions/000001.json"])
def test_a_damaged_file_is_none(tmp_path: Path, name: str, content: bytes) -> None:
    """It is never worse than having none."""
    site = Site(tmp_path)
    (site.data / name).parent.mkdir(exist_ok=True)
    (site.data / name).write_bytes(content)
    site.write(BROKEN)
    with pytest.raises(NoConfiguration):
        site.start()
    site.write(GOOD)
    assert not site.start().degraded
    site.write(BROKEN)
    assert site.start().degraded


@pytest.mark.parametrize("content", ["", '{"number": -5, "newest": 2}', '{"number": 9, "newest": 2}'])
def test_when_nobody_knows_what_serves_the_newest_does(tmp_path: Path, content: str) -> None:
    """And the files beside it whose names are no numbers of ours change nothing."""
    site = Site(tmp_path, "reload: manual\n")
    site.start()
    site.write(named("B"))
    site.publish()
    (site.data / "serving.json").write_text(content)
    for name in ("٣", "²", "9" * 30):
        (site.data / "versions" / f"{name}.json").write_text("{}")
    site.start()
    assert (site.tags, site.serves) == ("B", [2])
    site.write(named("C"))
    site.publish()
    assert (site.tags, site.serves) == ("C", [3])
    site.start()
    assert (site.tags, site.serves) == ("C", [3])
