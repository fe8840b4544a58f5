"""A configuration folder and its data folder, with what serves there; a restart is a new process's view of both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tagserver.config.configuration import ConfigurationFolder
from tagserver.plugin.registry import Registry
from tagserver.publishing.publishing import Publishing
from tagserver.publishing.serving import Configuration
from tagserver.publishing.store import Store
from tests.config.world import ENVIRON, REGISTRY
from tests.fake_time import OtherWallClock

GOOD = """
destinations: {box: {type: box}}
tags: [{name: A, destination: box, triggers: [all]}]
"""
BROKEN = "tags: [\n"


def named(tag: str) -> str:
    """A configuration with one tag of this name."""
    return GOOD.replace("name: A", f"name: {tag}")


class Site:
    """`write` edits a file, the others are what people and the server do. `now` is what serves."""

    def __init__(self, folder: Path, server: str = "", registry: Registry = REGISTRY) -> None:
        self.config, self.data = folder / "config", folder / "data"
        self.config.mkdir()
        self.data.mkdir()
        self.environ = dict(ENVIRON)
        self.registry = registry
        self.time = 1_000
        self.write(server, "server.yaml")
        self.write(GOOD)
        self.now: Configuration

    def write(self, text: str, name: str = "container.yaml") -> None:
        (self.config / name).write_text(text)

    @property
    def publishing(self) -> Publishing:
        folder = ConfigurationFolder(self.config, self.registry, self.environ, None, self.data)
        return Publishing(folder, Store(self.data), OtherWallClock(self._clock))

    def _clock(self) -> int:
        self.time += 1
        return self.time

    def start(self, **options: bool) -> Configuration:
        self.now = self.publishing.settle(self.publishing.start(**options))
        return self.now

    def look(self) -> None:
        self.now = self.publishing.look(self.now)

    def renew(self) -> None:
        self.now = self.publishing.renew(self.now)

    def publish(self, note: str = "") -> None:
        self.now = self.publishing.publish(self.now, "anna", note)

    def roll_back(self, number: int) -> None:
        self.now = self.publishing.roll_back(self.now, number, "bert", "")

    @property
    def tags(self) -> str:
        """The names of the tags that serve."""
        return " ".join(tag.name for tag in self.now.container.tags)

    @property
    def listed(self) -> list[dict[str, Any]]:
        versions: list[dict[str, Any]] = Store(self.data).listed()["versions"]
        return versions

    @property
    def serves(self) -> list[int]:
        """The numbers that are marked."""
        return [one["number"] for one in self.listed if one["serves"]]


Act = Callable[[Site], None]


def edited(text: str) -> Act:
    """Somebody writes the container, and the server looks at it."""

    def act(site: Site) -> None:
        site.write(text)
        site.look()

    return act
