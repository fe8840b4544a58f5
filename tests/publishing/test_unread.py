"""An env file that cannot be read: what serves goes on, and it is seen until it is mended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tagserver.publishing.publisher import Publisher

from .site import Site, named


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda path: path.write_text("TOKEN"), "secrets.env:1: write NAME=value"),
        (lambda path: path.write_bytes(b"A=\xff"), "secrets.env is not UTF-8 text"),
        (Path.unlink, "No such file"),
    ],
)
@pytest.mark.parametrize("mode", ["auto", "manual"])
async def test_an_env_file_that_cannot_be_read(
    tmp_path: Path, mode: str, spoil: Callable[[Path], object], says: str
) -> None:
    site = Site(tmp_path, f"reload: {mode}\n")
    secrets = tmp_path / "secrets.env"
    secrets.write_text("A=1\n")
    publishing = site.publishing
    publishing = replace(publishing, folder=replace(publishing.folder, env_file=secrets))
    publisher = Publisher(
        publishing, publishing.settle(publishing.start()), lambda found, asked: "", lambda *words, **more: None
    )
    spoil(secrets)
    answer = await publisher.renew()
    assert (answer.ok, answer.number) == (False, 1)
    assert says in answer.detail
    site.write(named("B"))
    await publisher.changed()
    (notice,) = publisher.now.notices
    assert "the log says why" in notice
    assert "secrets.env" not in notice, "strangers read it"
    assert (publisher.now.degraded, publisher.now.serving.number) == (True, 1)
    secrets.write_text("A=2\n")
    assert (await publisher.renew()).ok
    assert (publisher.now.degraded, publisher.now.notices) == (False, [])
