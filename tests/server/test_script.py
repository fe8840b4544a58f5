"""`/t.js` and `/t/VERSION.js`: packed, open to every page, and there for as long as a page may name them."""

from __future__ import annotations

import base64
import gzip
import hashlib
import os
from pathlib import Path
from types import MappingProxyType

import brotli
import pytest

from tagserver.server.admin.compressed import accepted
from tagserver.server.script import ENDINGS, KEPT, KeptScripts, PageScript, shipped
from tests.fake_time import FakeTime

from .conftest import Running, Start

CURRENT = shipped()
NOW = 1_800_000_000_000
DAY = 86_400_000


def script(version: str) -> PageScript:
    """Another one."""
    plain = f"// {version}".encode()
    bodies = {"br": brotli.compress(plain), "gzip": gzip.compress(plain, mtime=0), "identity": plain}
    return PageScript(version, MappingProxyType(bodies))


@pytest.mark.parametrize("path", ["/t.js", f"/t/{CURRENT.version}.js"])
@pytest.mark.parametrize("coding", ["br", "gzip", "identity"])
async def test_it_comes_packed_and_any_page_may_use_it(server: Running, path: str, coding: str) -> None:
    answer = await server.http.get(path, headers={"accept-encoding": coding})
    assert answer.status_code == 200
    assert hashlib.sha256(answer.content).digest() == hashlib.sha256(CURRENT.bodies["identity"]).digest()
    headers = answer.headers
    assert headers.get("content-encoding", "identity") == coding
    assert int(headers["content-length"]) == len(CURRENT.bodies[coding])
    assert headers["content-type"] == "text/javascript; charset=utf-8"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "cross-origin"
    assert headers["access-control-allow-origin"] == "*"
    assert headers["vary"] == "accept-encoding"
    assert ("immutable" in headers["cache-control"]) == path.startswith("/t/")


async def test_what_a_browser_has_is_not_sent_again(server: Running) -> None:
    """Each coding has a tag of its own."""
    tags = {}
    for coding in ("br", "gzip", "identity"):
        first = await server.http.get("/t.js", headers={"accept-encoding": coding})
        tags[coding] = first.headers["etag"]
        for known in (tags[coding], f'"other", W/{tags[coding]}', "*"):
            again = await server.http.get("/t.js", headers={"accept-encoding": coding, "if-none-match": known})
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == tags[coding]
            assert again.headers["vary"] == "accept-encoding"
            assert "max-age" in again.headers["cache-control"]
    assert len(set(tags.values())) == 3
    other = await server.http.get("/t.js", headers={"accept-encoding": "br", "if-none-match": tags["gzip"]})
    assert other.status_code == 200


@pytest.mark.parametrize(
    ("header", "best"),
    [
        ("", "identity"),
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, deflate", "gzip"),
        ("GZIP;Q=0.001", "gzip"),
        ("br;q=0, gzip;q=1.0", "gzip"),
        ("br;q=0.000,gzip; q=0", "identity"),
        ("*", "br"),
        ("*;q=0", "identity"),
        ("br;q=0, *", "gzip"),
        ("identity;q=0", "identity"),
        ("zstd", "identity"),
        (",;=,q", "identity"),
    ],
)
def test_which_coding_is_chosen(header: str, best: str) -> None:
    assert accepted(header, ENDINGS)[0] == best


@pytest.mark.parametrize(
    "name", ["000000000000.js", "x.js", "t.js", "", "..%2finstall-key", f"{CURRENT.version}.js.br"]
)
async def test_a_version_that_is_not_kept(server: Running, name: str) -> None:
    """The page can read that, and no cache keeps it: a moment later it may be there."""
    answer = await server.http.get(f"/t/{name}")
    assert answer.status_code == 404
    if name.endswith(".js"):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["access-control-allow-origin"] == "*"


async def test_an_upgrade_breaks_no_page(start: Start) -> None:
    """What another tagserver has served from this folder is served as it was."""
    server: Running = await start()
    assert (server.data / "t" / f"{CURRENT.version}.js").stat().st_mode & 0o777 == 0o600
    KeptScripts(server.data / "t", FakeTime(NOW)).keep(script("0123456789ab"))
    for coding in ("br", "gzip", "identity"):
        answer = await server.http.get("/t/0123456789ab.js", headers={"accept-encoding": coding})
        assert answer.text == "// 0123456789ab"
        assert answer.headers.get("content-encoding", "identity") == coding
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["etag"].startswith('"0123456789ab')


def versions(folder: Path) -> set[str]:
    """Those that are kept, whole."""
    kept = {path.stem for path in folder.glob("*.js")}
    assert {path.name for path in folder.iterdir()} == {f"{one}.js{end}" for one in kept for end in ("", ".gz", ".br")}
    return kept


def test_a_version_is_kept_for_four_hundred_days_after_its_last_use(tmp_path: Path) -> None:
    time = FakeTime(NOW)
    kept = KeptScripts(tmp_path / "t", time)
    for number in range(3):
        kept.keep(script(f"{number:012}"))
        time.jump(100 * DAY / 1000)
    assert kept.find("000000000000", ["identity"]) is not None, "asked for on day 300"
    for day, number in ((500, 3), (550, 3), (590, 4)):
        time.set(NOW + day * DAY)
        kept.keep(script(f"{number:012}"))
    assert versions(tmp_path / "t") == {f"{number:012}" for number in (0, 2, 3, 4)}
    for _ in range(2):  # ages are counted from the last start
        time.set(NOW + 960 * DAY)
        kept.keep(script("000000000005"))
    assert versions(tmp_path / "t") == {"000000000004", "000000000005"}
    assert KEPT == 400 * DAY


def test_one_start_under_a_wrong_clock_removes_nothing(tmp_path: Path) -> None:
    time = FakeTime(NOW)
    kept = KeptScripts(tmp_path / "t", time)
    kept.keep(script("000000000000"))
    time.jump(30 * DAY / 1000)
    kept.keep(script("000000000001"))
    for now in (NOW + 3650 * DAY, NOW - 3650 * DAY, NOW + 31 * DAY):
        time.set(now)
        kept.keep(script("000000000002"))
    assert len(versions(tmp_path / "t")) == 3


def test_half_a_version_is_completed(tmp_path: Path) -> None:
    """A kill came between its files."""
    kept = KeptScripts(tmp_path / "t", FakeTime(NOW))
    kept.keep(script("000000000000"))
    (tmp_path / "t" / "000000000000.js").unlink()
    assert kept.find("000000000000", ["br", "identity"]) is None
    kept.keep(script("000000000000"))
    (tmp_path / "t" / "000000000000.js.br").unlink()
    assert kept.find("000000000000", ["br", "identity"]) == ("identity", b"// 000000000000")


async def test_a_folder_that_cannot_be_used_stops_nothing(start: Start, tmp_path: Path) -> None:
    data = tmp_path / "one" / "data"
    data.mkdir(parents=True)
    (data / "t").write_text("a file")
    server: Running = await start()
    assert (await server.http.get("/t.js")).status_code == 200
    assert (await server.http.get(f"/t/{CURRENT.version}.js")).status_code == 200
    assert (await server.http.get("/t/000000000000.js")).status_code == 404
    os.unlink(data / "t")


def test_the_hash_is_what_a_browser_computes() -> None:
    kind, _, digest = CURRENT.integrity.partition("-")
    assert kind == "sha384"
    assert base64.b64decode(digest) == hashlib.sha384(CURRENT.bodies["identity"]).digest()


@pytest.mark.parametrize("name", ["more", "keep", "pixel", "preview"])
async def test_a_second_file_belongs_to_its_version(server: Running, name: str) -> None:
    """Under a name that stays, and with the version for good."""
    soon = await server.http.get(f"/t/{name}.js")
    good = await server.http.get(f"/t/{name}.{CURRENT.version}.js")
    assert soon.content == good.content == CURRENT.second[name]["identity"]
    assert "immutable" in good.headers["cache-control"]
    assert "immutable" not in soon.headers["cache-control"]
    assert good.headers["access-control-allow-origin"] == "*"
    assert good.headers["etag"] != (await server.http.get("/t.js")).headers["etag"]
    for unknown in (
        f"{name}.000000000000",
        f"..{CURRENT.version}",
        f"other.{CURRENT.version}",
        f"{name}.x",
        name + ".",
    ):
        assert (await server.http.get(f"/t/{unknown}.js")).status_code == 404


async def test_an_upgrade_keeps_second_files(start: Start) -> None:
    server: Running = await start()
    old = script("0123456789ab")
    kept = KeptScripts(server.data / "t", FakeTime(NOW))
    kept.keep(PageScript(old.version, old.bodies, {"more": {"identity": b"// more"}}))
    answer = await server.http.get("/t/more.0123456789ab.js")
    assert (answer.text, answer.headers["etag"][:13]) == ("// more", '"0123456789ab')
    assert "immutable" in answer.headers["cache-control"]
    assert (await server.http.get("/t/pixel.0123456789ab.js")).status_code == 404
    KeptScripts(server.data / "t", FakeTime(NOW)).keep(script("0123456789ac"))
    KeptScripts(server.data / "t", FakeTime(NOW + 500 * DAY)).keep(script("0123456789ad"))
    KeptScripts(server.data / "t", FakeTime(NOW + 999 * DAY)).keep(script("0123456789ae"))
    assert not list((server.data / "t").glob("*0123456789ab*"))
