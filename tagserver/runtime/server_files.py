"""What a server leaves in its data folder for commands: its address, and the token that it made; whether it lives; and
which token opens `/-/` after the environment was read again.

The address alone does not say that it lives: a server that was killed leaves it behind, and another program may listen
there by now, which must not be sent the token."""

from __future__ import annotations

import fcntl
import logging
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tagserver.config.references import ADMIN_TOKEN, GivenToken, unfit_token
from tagserver.system.files import os_reason, write_whole
from tagserver.system.machine import this_user

log = logging.getLogger("tagserver")

ADDRESS_FILE = "address"
SOUND = 32
"""Characters of a token that a server has made, at least."""
LONGEST = 4096
"""Bytes that are read of either file."""
_ADDRESS = re.compile(r"https?://[\w.:\[\]%-]{1,300}\Z")

UNREACHABLE, KNOWN = 3, 1
"""Exit codes: there is no server to ask; there may be one, and what is wrong is here."""


class Unanswered(Exception):
    """No answer can be had from the server of a data folder: a sentence that says why and what to do, and the `code`
    that a command ends with."""

    def __init__(self, sentence: str, code: int = KNOWN) -> None:
        super().__init__(sentence)
        self.code = code


class NoServer(Unanswered):
    """None runs on the data folder, nor was one killed."""


@dataclass(frozen=True, slots=True)
class Token:
    """The token that is sent; `text` is empty where there is none. `whence`: where it is from, or why there is none."""

    text: str
    whence: str


def address_in(data: Path) -> str:
    """`http://host:port` of the server of a data folder. Raises Unanswered."""
    path = data / ADDRESS_FILE
    try:
        text = _address(path).strip()
    except (FileNotFoundError, NotADirectoryError):
        if lives(data):
            why = f"a server holds the data folder {data} and has left no address: it is about to start, or to end"
            raise Unanswered(f"{why}; try again in a moment, and look into its log", UNREACHABLE) from None
        what = "" if data.is_dir() else ", which does not exist"
        todo = "start it with tagserver serve, or name its folder with --data"
        raise NoServer(f"no server runs on the data folder {data}{what}: {todo}", UNREACHABLE) from None
    except OSError as error:
        why = f"{path} cannot be read by {this_user()}: {os_reason(error)}"
        raise Unanswered(f"{why}; run this as the user that runs the server") from None
    if not _ADDRESS.match(text):
        raise Unanswered(f"{path} holds no address of a server; restart the server, which writes it anew")
    if lives(data) is False:
        why = f"the server that was at {text} has ended without removing {path}, and no other runs on this data folder"
        raise Unanswered(f"{why}; start it with tagserver serve", UNREACHABLE)
    return text


def token_for(data: Path, environ: Mapping[str, str]) -> Token:
    """The token for that server: the variable's, else the one that it made and left. Raises Unanswered for a text that
    can be none."""
    if text := environ.get(ADMIN_TOKEN):
        if why := unfit_token(text):
            raise Unanswered(f"{ADMIN_TOKEN} {why}; look for a blank or quotes around it")
        return Token(text, ADMIN_TOKEN)
    path = data / TOKEN_FILE
    try:
        text = _read(path).strip()
    except FileNotFoundError:
        return Token("", f"{ADMIN_TOKEN} is not set, and there is no {path}")
    except OSError as error:
        return Token("", f"{ADMIN_TOKEN} is not set, and {path} cannot be read by {this_user()}: {os_reason(error)}")
    if not text or unfit_token(text):
        return Token("", f"{ADMIN_TOKEN} is not set, and {path} holds no token")
    return Token(text, str(path))


def lives(data: Path) -> bool | None:
    """Whether a process holds the data folder; None where that cannot be known. The lock is shared for a moment to find
    out, for which a server that starts just then waits (`delivery/lock.py`)."""
    known = False
    try:
        for path in data.glob("*.lock"):
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            finally:
                os.close(descriptor)
            known = True
    except OSError:
        return None
    return False if known else None


def leave_address(data: Path, address: str) -> None:
    """Leave the address of a server that listens. Raises OSError.

    A full disk has no room for a file of one line, but mostly for a link: its text stands where its name does.
    """
    path = data / ADDRESS_FILE
    try:
        write_whole(path, f"{address}\n".encode())
    except OSError:
        path.unlink(missing_ok=True)  # one of before would lead commands elsewhere
        try:
            path.symlink_to(address)
        except OSError:
            pass
        else:
            return
        raise


def leave_token(data: Path, made: str) -> str:
    """Leave a token that was made for commands; the token that goes. That is the one of the start before where there
    is no room for another. Raises OSError."""
    path = data / TOKEN_FILE
    try:
        write_token(data, made)
    except OSError:
        if (before := _left_token(path)) is None:
            raise
        log.warning("there is no room for a new admin token: the one in %s goes on", path)
        return before
    return made


def write_token(data: Path, made: str) -> None:
    """The same, whatever lies there. Raises OSError."""
    write_whole(data / TOKEN_FILE, f"{made}\n".encode())


def _left_token(path: Path) -> str | None:
    """The token of a start before, where nobody else can have put it there or read it."""
    try:
        found = path.lstat()
        ours = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077
        text = _read(path).strip() if ours else ""
    except OSError:
        return None
    return text if len(text) >= SOUND and unfit_token(text) is None else None


def _address(path: Path) -> str:
    try:
        return _read(path)
    except FileNotFoundError:
        if path.is_symlink():
            return os.readlink(path)
        raise


def _read(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(LONGEST).decode(errors="replace")


# ── the token of a running server

admin_log = logging.getLogger("tagserver.admin")

TOKEN_FILE = "admin-token"  # noqa: S105 (the name of a file)
"""In the data folder: the token that a server made, because its environment had none."""


class OwnToken:
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
            admin_log.warning("%s", said)
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
            admin_log.warning("remove %s: it holds a token of no use (%s)", self._data / TOKEN_FILE, os_reason(error))
        return f"the admin token is a new one, that of {ADMIN_TOKEN}: who was logged in must log in again"

    @property
    def fixed(self) -> str:
        """What to tell whoever asks for a renewal of a token that can only change with the process; else empty."""
        if self._given.token is None or self._given.from_file:
            return ""
        return f"the admin token stays: {ADMIN_TOKEN} is of the process, and changes with a restart or by --env-file"
