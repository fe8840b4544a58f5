"""The admin token: which one opens `/-/` after the environment was read again."""

from __future__ import annotations

import logging
from pathlib import Path

from tagserver.config.references import ADMIN_TOKEN, GivenToken
from tagserver.system.os_fault import os_reason

log = logging.getLogger("tagserver.admin")

TOKEN_FILE = "admin-token"  # noqa: S105 (the name of a file)
"""In the data folder: the token that a server made, because its environment had none."""


class AdminToken:
    """The token of a running server. It follows the environment, and never goes away: an edit that takes it out of the
    env file must not open `/-/`, nor lock the operator out. `data`: the data folder, where a made token lies."""

    def __init__(self, given: GivenToken, data: Path) -> None:
        self._given = given
        self._data = data
        self._said = ""

    def today(self, made: str) -> str:
        """The text of the token. `made`: the one that the start made, in case the environment never had any."""
        return made if self._given.token is None else self._given.token.reveal()

    def renew(self, given: GivenToken) -> str:
        """The environment was read again. What to tell whoever asked for that: that there is another token now, or why
        there is none; empty when nothing has changed."""
        said = self._renewed(given)
        if said and said != self._said:
            log.warning("%s", said)
        self._said = said if given.token is None else ""
        return said

    def _renewed(self, given: GivenToken) -> str:
        if given.why is not None:
            return f"the admin token is not renewed: the new {ADMIN_TOKEN} {given.why}; the one before is still needed"
        if given.token is None:
            if self._given.token is None:
                return ""
            return (
                f"the admin token is not renewed: {ADMIN_TOKEN} is not set any more; the one before is still needed, "
                "and the next start needs the variable again"
            )
        before, self._given = self._given, given
        if before.token == given.token:
            return ""
        try:
            (self._data / TOKEN_FILE).unlink(missing_ok=True)  # it opens nothing any more, and would mislead commands
        except OSError as error:
            log.warning("remove %s: it holds a token of no use (%s)", self._data / TOKEN_FILE, os_reason(error))
        return f"the admin token is a new one, that of {ADMIN_TOKEN}: who was logged in must log in again"

    @property
    def fixed(self) -> str:
        """What to tell whoever asks for a renewal of a token that can only change with the process; else empty."""
        if self._given.token is None or self._given.from_file:
            return ""
        return f"the admin token stays: {ADMIN_TOKEN} is of the process, and changes with a restart or by --env-file"
