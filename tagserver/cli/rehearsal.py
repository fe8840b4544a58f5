"""Whether `tagserver serve` would start: all that a start does before it needs the data folder for itself."""

from __future__ import annotations

from pathlib import Path

from tagserver.cli.output import give_up, say
from tagserver.config.configuration import ConfigurationFolder
from tagserver.publishing.publishing import Publishing
from tagserver.publishing.store import Store
from tagserver.queue.sqlite.snapshot import newer_than_this
from tagserver.system.time import Time


def rehearsal(folder: ConfigurationFolder, data: Path, *, strict: bool) -> None:
    """Says that it would start. Writes nothing. Raises what a start raises, and ends the command with a sentence
    where the queue is not to be opened by this version."""
    configuration = Publishing(folder, Store(data), Time()).start(strict=strict)
    if (why := newer_than_this(data / configuration.server.queue.file)) is not None:
        give_up(why)
    say(f"a start would succeed: version {configuration.serving.number} would serve")
    if number := len(configuration.refused or configuration.wrong):
        some = "1 problem" if number == 1 else f"{number} problems"
        say(f"today's files have {some} and would not be taken: tagserver check shows them")
