"""What serves: a published version, compiled under operations' `server.yaml`, and what there is to say of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from tagserver.config.model import Container
from tagserver.config.references import GivenToken
from tagserver.config.server import ServerConfig
from tagserver.config.yaml.problems import Problem
from tagserver.publishing.store import Back, Texts, Version

DIFFERS = "the files differ from what serves: `tagserver plan` shows it, `tagserver reload` publishes"


class NoConfiguration(Exception):
    """Nothing that was published can serve, nor can the files. `problems` are today's."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        count = f"{len(problems)} problem{'s' if len(problems) != 1 else ''}"
        super().__init__(f"{count}, and no earlier configuration to serve")
        self.problems = problems


class Refused(Exception):
    """What somebody asked for cannot be done: because of `problems`, or of the sentence. Nothing was changed."""

    def __init__(self, detail: str, problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(detail)
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Serving:
    """The version that serves. `texts` are marketing's files, `server` is the `server.yaml` it was compiled under.

    `back`: somebody went back to it. `stands_in_for`: the number that should serve and cannot. `entry`: it was
    published just now, which ended the rollback to the version `ended`. `kept`: the data folder knows all this;
    `unkept` is why it could not be written.
    """

    number: int
    texts: Texts
    server: bytes
    back: Back | None = None
    stands_in_for: int | None = None
    entry: Version | None = None
    ended: int | None = None
    kept: bool = True
    unkept: str | None = None

    @property
    def due(self) -> int:
        """The number of the version that should serve."""
        return self.number if self.stands_in_for is None else self.stands_in_for


@dataclass(frozen=True, slots=True)
class Configuration:
    """What events go by: one value, swapped whole.

    `wrong` is what is wrong with today's `server.yaml`, `refused` with a draft that was to be published. `differs`:
    the files mean something else than what serves, and wait for somebody to publish them. `unread`: they, or the env
    file, could not be read when this was last tried; the log says why, which `/readyz` does not tell.
    """

    container: Container
    server: ServerConfig
    serving: Serving
    wrong: tuple[Problem, ...] = ()
    refused: tuple[Problem, ...] = ()
    differs: bool = False
    unread: bool = False
    admin_token: GivenToken = field(default_factory=GivenToken)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is shown: what keeps today's files from serving, else the warnings of what serves."""
        return self.refused or self.wrong or self.container.problems

    @property
    def degraded(self) -> bool:
        """Whether today's files have errors, and an earlier configuration serves in their place."""
        return bool(self.refused or self.wrong or self.unread)

    @property
    def conditions(self) -> dict[str, str]:
        """What is not as it usually is: a name for machines, and a sentence."""
        said, serving = {}, self.serving
        if self.unread:
            said["files_unread"] = (
                "the files or the env file cannot be read, the log says why: mend it, then `tagserver reload --server`"
            )
        if serving.stands_in_for is not None:
            said["stand_in"] = (
                f"version {serving.stands_in_for} cannot serve any more: {serving.number} stands in for it"
            )
        if serving.back is not None:
            said["rollback"] = f"rolled back to version {serving.due}, until somebody publishes"
        if serving.unkept is not None:
            said["unkept"] = (
                f"version {serving.number} serves, and could not be kept: a restart would serve "
                f"what served before ({serving.unkept})"
            )
        return said

    @property
    def notices(self) -> list[str]:
        """What is not as it usually is, in sentences."""
        return list(self.conditions.values())

    @property
    def remark(self) -> str | None:
        """What should be known though nothing is wrong."""
        waits = self.differs and self.serving.back is None and not self.refused
        return DIFFERS if waits else None
