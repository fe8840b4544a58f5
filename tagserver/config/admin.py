"""`admin:` of `server.yaml`: who else may use the addresses under `/-/`, each with a token and a role of their own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from tagserver.config import schema_parts as parts
from tagserver.config.keys import Block, Key, ValueType, choice, compiled, key
from tagserver.config.references import ServerDecoder, unfit_token
from tagserver.config.schema_parts import table
from tagserver.config.yaml.decode import Decoder
from tagserver.config.yaml.source import Node, Scalar
from tagserver.system.secret import Secret

Role = Literal["view", "operate"]
ADMIN_NAME = "admin"
"""What the one token of `TAGSERVER_ADMIN_TOKEN` is called wherever it says who did something."""
RESERVED = (ADMIN_NAME, "auto", "start")
"""Names that the record has for something else: the admin token, and what the server publishes by itself."""
SHORTEST = 20
"""Characters of a token, at least. Guesses are counted by address, and whoever has many has as many guesses: what
`openssl rand -base64 24` prints has 32, and a word of somebody's own is no token."""
_NAME = re.compile(r"[^\W_][\w.-]{0,39}\Z")
"""A name stands in the audit, in logs, on pages and, encoded, in the cookie: one word, which no line can be made of."""


@dataclass(frozen=True, slots=True)
class AdminToken:
    """One of them. `view` sees everything and changes nothing."""

    secret: Secret
    role: Role


_TOKEN = Block(
    "a person, or a program, that may use the admin addresses",
    Key(
        "token",
        compiled(parts.SECRET),
        f"required: `${{env:…}}` or `${{file:…}}` of at least {SHORTEST} characters (`openssl rand -base64 24`), which "
        "nobody else has",
        needed=True,
    ),
    Key(
        "role",
        choice("view", "operate"),
        "required. `view`: sees everything, and may try events; `operate`: may also change something",
        needed=True,
    ),
)


def _tokens(d: ServerDecoder, node: Node, path: str) -> Mapping[str, AdminToken]:
    tokens: dict[str, AdminToken] = {}
    for name, (written, value) in d.map(node, path).items():
        where = f"{path}.{name}"
        if _named(d, written, where) and (made := _token(d, written, value, where)) is not None:
            tokens[name] = made
    return MappingProxyType(tokens)


def _named(d: Decoder, written: Scalar, where: str) -> bool:
    name = written.text
    if name in RESERVED:
        message, hint = f'a token may not be called "{name}"', "the record has that name for something else"
    elif not _NAME.match(name):
        message = f'"{name}" is no name for a token'
        hint = "write one word of at most 40 letters, digits, dots and hyphens, such as anna or grafana"
    else:
        return True
    d.problems.add("E123", written.place, where, message, hint)
    return False


def _token(d: ServerDecoder, written: Scalar, value: Node, where: str) -> AdminToken | None:
    nodes = _TOKEN.nodes(d, value, where)
    for needed, example in (("token", '"${env:NAME}"'), ("role", "view, or role: operate")):
        if needed not in nodes:
            d.missing(written.place, where, needed, f"write {needed}: {example}")
            return None
    role: Role | None = _TOKEN.values(d, {"role": nodes["role"]}, where).get("role")
    text = d.secret(nodes["token"], f"{where}.token")
    if not text or role is None:  # the problem is noted; a variable that is not set opens nothing
        return None
    if (owner := d.owner(text)) not in (None, f"{where}.token"):
        why, hint = f"is also {owner}: nobody could tell them apart", "give each its own"
    elif (unfit := _unfit(text)) is not None:
        why, hint = unfit, "make one with openssl rand -base64 24"
    else:
        return AdminToken(Secret(text), role)
    d.problems.add("E115", nodes["token"].place, f"{where}.token", f"{where}.token {why}", hint)
    return None


def _unfit(text: str) -> str | None:
    if len(text) < SHORTEST:
        return f"is shorter than {SHORTEST} characters: it could be guessed"
    return unfit_token(text)


@dataclass(frozen=True, slots=True)
class AdminConfig:
    """`admin:`. `tokens` by the names that the record says; the one of the environment is not among them."""

    tokens: Mapping[str, AdminToken] = key(
        ValueType(table(_TOKEN.schema), _tokens, _TOKEN, "NAME."),
        "{}",
        "who else may use the [admin addresses](operate/access.md): `NAME: {token: …, role: …}`. The audit says the "
        "name. Changes count at once; a login ends with its token",
    )


ADMIN = Block.of(AdminConfig, "Who may use the admin addresses.")
