"""The running server, as commands reach it: by the address and the token that it left in its data folder."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import httpx

from tagserver import __version__
from tagserver.cli.options import environment
from tagserver.cli.terminal import give_up
from tagserver.config.references import ADMIN_TOKEN
from tagserver.runtime.server_files import UNREACHABLE, Token, Unanswered, address_in, token_for
from tagserver.system.text import printable

HOW = f"set {ADMIN_TOKEN} to the one that the server was started with, or name the file that holds it: --env-file FILE"
ANY = "/-/status.json"
"""Asked without a token, to learn whether one is asked for: a body with somebody's e-mail waits until there is one."""
LONGEST_NAME = 100
SILENCE = 60.0
"""Seconds without a line after which a stream counts as broken; the server says something every 15."""


@dataclass(frozen=True, slots=True)
class Server:
    """The server of a data folder."""

    address: str
    token: Token

    @classmethod
    def of(cls, data: Path, environ: Mapping[str, str]) -> Server:
        """By what it left there. Raises Unanswered."""
        return cls(address_in(data), token_for(data, environ))

    def ask(
        self, method: str, path: str, *, query: Any = None, body: Any = None, timeout: float = 60
    ) -> httpx.Response:
        """Its answer, also one that refuses what was asked. Raises Unanswered where there is none, or none to this
        token; and UnicodeEncodeError for a text that is none."""
        if not self.token.text:
            method, path, query, body = "GET", ANY, None, None
        with self._reached(timeout):
            answer = httpx.request(
                method,
                self.address + path,
                params=query,
                json=body,
                headers=self._headers,
                timeout=timeout,
                trust_env=False,
            )
        self._refuse(answer)
        return answer

    def lines(self, path: str, query: Any = None) -> Iterator[str]:
        """The lines of an answer that does not end by itself. Raises Unanswered."""
        timeout = httpx.Timeout(10, read=SILENCE)
        with (
            self._reached(SILENCE),
            httpx.stream(
                "GET",
                self.address + path,
                params=query,
                headers=self._headers,
                timeout=timeout,
                trust_env=False,
            ) as answer,
        ):
            if answer.is_error:
                answer.read()
                self._refuse(answer)
                raise Unanswered(_sentence(answer) or f"the server answered {answer.status_code}")
            yield from answer.iter_lines()

    @property
    def _headers(self) -> dict[str, str] | None:
        return {"authorization": f"Bearer {self.token.text}"} if self.token.text else None

    @contextmanager
    def _reached(self, timeout: float) -> Iterator[None]:
        """Raises Unanswered for what keeps an answer from coming."""
        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout):
            why = f"nothing listens at {self.address} (connection refused): the server starts, ends or hangs"
            raise Unanswered(f"{why}; look into its log, and try again", UNREACHABLE) from None
        except httpx.TimeoutException:
            why = f"the server at {self.address} did not answer within {timeout:.0f} s"
            raise Unanswered(f"{why}; what was asked may be done yet: look before you repeat it", UNREACHABLE) from None
        except httpx.HTTPError as error:
            why = f"what listens at {self.address} gave no whole answer ({type(error).__name__})"
            todo = "the server ended just then, or it is another program that does not speak HTTP; look into the log"
            raise Unanswered(f"{why}: {todo}, and whether it was done before you repeat it", UNREACHABLE) from None

    def _refuse(self, answer: httpx.Response) -> None:
        status, sentence = answer.status_code, _sentence(answer)
        if status == 404 and sentence is None:
            why = f"what answers at {self.address} does not know {answer.request.url.path}"
            raise Unanswered(
                f"{why}: it is a tagserver of another version than this command ({__version__}), or another program; "
                "run the command of the server's own installation"
            )
        if status in (401, 429) and sentence is None:
            raise Unanswered(self._stranger(f"refuses in a way of its own ({status})"), UNREACHABLE)
        if status == 401 and self.token.text:
            raise Unanswered(
                f"the server at {self.address} does not take the admin token of {self.token.whence}; {HOW}. "
                "One that was changed since counts after a restart, in the server's own env file also after SIGHUP"
            )
        if status == 401:
            raise Unanswered(f"the server at {self.address} asks for its admin token: {self.token.whence}; {HOW}")
        if status == 429:
            wait = answer.headers.get("retry-after", "60")
            why = f"the server at {self.address} takes no token from here for {wait} s, for too many wrong ones came"
            raise Unanswered(f"{why}; wait as long, and bring the right one then")
        if not self.token.text:
            raise Unanswered(self._stranger("asks for no token"), UNREACHABLE)

    def _stranger(self, what: str) -> str:
        return (
            f"what answers at {self.address} is no tagserver: it {what}; the address may be of a server that has ended"
        )

    def json(self, answer: httpx.Response) -> Any:
        """The answer's content. Raises Unanswered where it is none of a tagserver's."""
        try:
            return answer.json()
        except ValueError:
            what = f"answers {answer.status_code} with something that is no JSON"
            raise Unanswered(self._stranger(what), UNREACHABLE) from None


def _sentence(answer: httpx.Response) -> str | None:
    """What a refusal says, in the shape that all of ours have; "" where it says nothing, None where it is not ours."""
    try:
        shown = answer.json()
        problems = shown["problems"]
        return str(problems[0]["message"]) if problems else ""
    except (ValueError, TypeError, KeyError, IndexError):
        return None


def call(
    method: str,
    path: str,
    *,
    data: Path,
    env_file: Path | None,
    query: Any = None,
    body: Any = None,
    refused: bool = False,
    wrong_usage: bool = False,
    timeout: float = 60,
) -> Any:
    """The JSON of an admin address. Ends the command with 3 when there is no server to ask, with 1 when it refuses.

    `env_file`: that of the command. `refused`: a refusal that says why (409) is an answer, too. `wrong_usage`: what
    the server cannot make sense of (400) or does not know (404) was typed wrong, and ends the command with 2.
    `timeout`: seconds for the answer.
    """
    try:
        server = Server.of(data, environment(env_file))
        answer = server.ask(method, path, query=query, body=body, timeout=timeout)
        shown = server.json(answer)
    except Unanswered as nothing:
        give_up(printable(str(nothing)), nothing.code)
    except UnicodeEncodeError:
        give_up("what was given is not text in UTF-8; look how the terminal writes it", 2)
    if answer.is_error and not (refused and answer.status_code == 409):
        said = printable(_sentence(answer) or f"the server answered {answer.status_code}")
        if wrong_usage and answer.status_code in (400, 404):
            raise click.UsageError(said)
        give_up(said)
    return shown


def follow(path: str, *, data: Path, env_file: Path | None, query: Any = None) -> Iterator[str]:
    """The lines of a stream of the server. Ends the command as `call` does."""
    try:
        yield from Server.of(data, environment(env_file)).lines(path, query)
    except Unanswered as nothing:
        give_up(printable(str(nothing)), nothing.code)
    except UnicodeEncodeError:
        give_up("what was given is not text in UTF-8; look how the terminal writes it", 2)


def user_name() -> str:
    """Who runs the command, as the server records it: the login name; with sudo, of the person behind it."""
    try:
        name = os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError, ImportError):  # containers like to run under numbers without a name
        return "a user without a name"
    return name[:LONGEST_NAME].encode(errors="replace").decode()
