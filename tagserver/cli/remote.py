"""The running server, as commands reach it: by the address and the token that it left in its data folder."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import httpx

from tagserver.cli.options import give_up
from tagserver.container.references import ADMIN_TOKEN
from tagserver.operations.printable import printable

ADDRESS_FILE = "address"
TOKEN_FILE = "admin-token"  # noqa: S105 (the name of a file)
TOKEN_VARIABLE = ADMIN_TOKEN


def server_on(data: Path, environ: Mapping[str, str]) -> tuple[str, str]:
    """Address and token of the server that runs on a data folder; empty when they are not known."""
    address = ""
    with contextlib.suppress(OSError):
        address = (data / ADDRESS_FILE).read_text().strip()
    token = environ.get(TOKEN_VARIABLE) or ""
    if not token:
        with contextlib.suppress(OSError):
            token = (data / TOKEN_FILE).read_text().strip()
    return address, token


def call(
    method: str,
    path: str,
    *,
    data: Path,
    environ: Mapping[str, str],
    query: Any = None,
    body: Any = None,
    refused: bool = False,
    timeout: float = 60,
) -> Any:
    """The JSON of an admin address. Ends the command with 3 when no server can be reached, with 1 when it refuses.

    `refused`: a refusal that says why (409) is an answer, too. `timeout`: seconds for the answer.
    """
    address, token = server_on(data, environ)
    if not address:
        give_up(f"no server runs on the data folder {data} (start it with tagserver serve)", 3)
    try:
        answer = httpx.request(
            method,
            address + path,
            params=query,
            json=body,
            headers={b"authorization": f"Bearer {token}".encode(errors="surrogateescape")} if token else None,
            timeout=timeout,
            trust_env=False,
        )
        shown = answer.json()
    except httpx.TimeoutException:
        give_up(f"the server at {address} did not answer within {timeout:.0f} s", 3)
    except httpx.HTTPError as error:
        give_up(f"the server at {address} cannot be reached ({type(error).__name__}); look whether it still runs", 3)
    except UnicodeEncodeError:
        give_up("what was given is not text in UTF-8; look how the terminal writes it", 2)
    except ValueError:
        give_up(f"what answers at {address} is no tagserver", 3)
    if answer.status_code == 401:
        said = "does not take this token" if token else "asks for its admin token"
        give_up(f"the server at {address} {said}: set {TOKEN_VARIABLE} to the one it was started with")
    if answer.is_error and not (refused and answer.status_code == 409):
        problems = shown.get("problems") or [{"message": f"the server answered {answer.status_code}"}]
        raise click.ClickException(printable(str(problems[0]["message"])))
    return shown
