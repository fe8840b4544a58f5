"""`${env:NAME}` and `${file:/path}`: values that stand outside the configuration. And secrets that somebody wrote into
a file, against the rule: where files are shown, they are not repeated."""

from __future__ import annotations

import re
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from posixpath import normpath
from typing import Any

from tagserver.config.yaml.decode import Decoder
from tagserver.config.yaml.problems import Place, Problems
from tagserver.config.yaml.source import Node
from tagserver.config.yaml.suggestions import did_you_mean
from tagserver.plugin.registry import Registry
from tagserver.system.secret import SHORTEST, Secret

ADMIN_TOKEN = "TAGSERVER_ADMIN_TOKEN"  # noqa: S105 (the name of a variable)
_REFERENCE = re.compile(r"\$\{(env|file):([^}]*)\}")
_WHOLE = re.compile(r"\$\{(env|file):([^}]*)\}\Z")
_SLEEPERS = {
    "clients": "its address answers 503",
    "collect": "its key does not work",
    "admin": "its token opens nothing",
}


@dataclass(frozen=True, slots=True)
class Rights:
    """What marketing's files may have of it. A secret leaves with each request of the destination that has it, so those
    of operations (the admin token, keys of `collect` and `queue`) are given to none.

    `secrets`: patterns of variables and paths that secret fields may name, None for all others. `owned`: whose each of
    operations' secrets is, by its reference (`env:NAME`); `values`: the same by what it holds.
    """

    secrets: tuple[str, ...] | None = None
    owned: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)

    def owner(self, source: str, name: str) -> str | None:
        """Whose secret a reference names, if it is one of operations'."""
        return self.owned.get(reference(source, name))

    def holds(self, value: str) -> str | None:
        """Whose secret stands in a value: a file may be known by other names, or hold a whole environment."""
        return next(
            (owner for secret, owner in self.values.items() if len(secret) >= SHORTEST and secret in value), None
        )

    def may_name(self, source: str, name: str) -> bool:
        """Whether a secret field may name it."""
        written = name if source == "env" else normpath(name)
        return self.secrets is None or any(
            fnmatchcase(written, one) for one in self.secrets if (source == "file") == one.startswith("/")
        )


@dataclass(frozen=True, slots=True)
class ExternalValues:
    """The world outside the files: environment variables, secret files, and the variables that anybody may read.
    `read_file` gives a file's text within a limited time, or raises OSError or ValueError. `rights`: of marketing's
    files; None for those of operations."""

    environ: Mapping[str, str]
    read_file: Callable[[str], str]
    listed: frozenset[str] = frozenset()
    rights: Rights | None = None

    def secret(self, text: str, place: Place, path: str, problems: Problems) -> tuple[str, str | None] | None:
        """The value of a secret field and why it is missing, if it is (then the value is empty). None after an
        error."""
        found = _WHOLE.match(text)
        if not found:
            problems.add(
                "E201", place, path, f"literal secret in {path}", "put it in the environment and write ${env:NAME}"
            )
            return None
        source, name = found[1], found[2]
        if self.rights is not None and name not in self.listed and not self.rights.may_name(source, name):
            hint = f"list {name} under secrets: in server.yaml"
            problems.add("E202", place, path, f"${{{source}:{name}}} may not be read here", hint, about=name)
            return None
        looked_up = self._look_up(source, name, place, path, problems)
        if looked_up is None:
            return None
        value, why = looked_up
        if why is not None:
            sleeper = _SLEEPERS.get(path.partition(".")[0], "its destination is paused")
            problems.add("P210", place, path, f"{path}: {why}", f"{sleeper} until it is there")
        return value or "", why

    def text(
        self, text: str, place: Place, path: str, problems: Problems, *, free: bool, braces: str = "{{"
    ) -> tuple[str, str | None] | None:
        """A text with its references filled in, and why one of them is missing, if so. None after an error.

        `free`: any variable may be read (`server.yaml`); otherwise only the listed ones, and no files. `braces`: what
        is written for two braces in what is filled in.
        """
        missing: str | None = None
        made = []
        at = 0
        for found in _REFERENCE.finditer(text):
            made.append(text[at : found.start()])
            at = found.end()
            source, name = found[1], found[2]
            if not free and (source == "file" or name not in self.listed):
                hint = did_you_mean(name, self.listed) or f"list {name} under environment: in server.yaml"
                if source == "file":
                    hint = "files are read in secret fields and in server.yaml"
                problems.add("E202", place, path, f"${{{source}:{name}}} may not be read here", hint, about=name)
                return None
            looked_up = self._look_up(source, name, place, path, problems)
            if looked_up is None:
                return None
            value, why = looked_up
            missing = missing or why
            made.append((value or "").replace("{{", braces))
        made.append(text[at:])
        return "".join(made), missing

    def _look_up(
        self, source: str, name: str, place: Place, path: str, problems: Problems
    ) -> tuple[str | None, str | None] | None:
        """The value, or why there is none. None after an error: it is a secret of operations."""
        owner = self.rights.owner(source, name) if self.rights is not None else None
        found = self._value(source, name) if owner is None else ("", None)
        if self.rights is not None and owner is None and found[0] is not None:
            owner = self.rights.holds(found[0])
        if owner is not None:
            message = f"${{{source}:{name}}} holds a secret of operations ({owner}), which no destination gets"
            problems.add("E202", place, path, message, "give the destination a secret of its own")
            return None
        if found[0] is not None:
            problems.hide(found[0], f"${{{source}:{name}}}")
        return found

    def _value(self, source: str, name: str) -> tuple[str | None, str | None]:
        if source == "env":
            value = self.environ.get(name)
            return (value, None) if value else (None, f"the environment variable {name} is not set")
        try:
            value = self.read_file(name).strip()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            return None, f"the file {name} cannot be read ({reason})"
        return (value, None) if value else (None, f"the file {name} is empty")


def reference(source: str, name: str) -> str:
    """What `${env:NAME}` or `${file:PATH}` names, in one spelling."""
    return f"{source}:{name if source == 'env' else normpath(name)}"


def references(text: str) -> Iterator[str]:
    """What all the references of a text name."""
    return (reference(found[1], found[2]) for found in _REFERENCE.finditer(text))


def has_reference(text: str) -> bool:
    """Whether a text holds `${env:…}` or `${file:…}`."""
    return _REFERENCE.search(text) is not None


class ServerDecoder(Decoder):
    """Reads `server.yaml`: its texts may name any variable or file, and what they hold is a secret of operations."""

    def __init__(self, external: ExternalValues, problems: Problems) -> None:
        super().__init__(problems)
        self.external = external
        self._owned: dict[str, str] = {reference("env", ADMIN_TOKEN): "the admin token"}
        self._values: dict[str, str] = {}
        if token := external.environ.get(ADMIN_TOKEN):
            self._values[token] = "the admin token"

    def filled(self, node: Node | None, path: str) -> str | None:
        """Text with its references filled in; None, with the problem noted, where that cannot be done."""
        text = self.text(node, path)
        if text is None or node is None:
            return None
        filled = self.external.text(text, node.place, path, self.problems, free=True)
        if filled is None:
            return None
        value, why = filled
        if path.startswith("queue."):
            self._keep(text, value, path)
        if why is not None:
            self.problems.add("E115", node.place, path, f"{path}: {why}")
            return None
        return value

    def secret(self, node: Node, path: str) -> str | None:
        """What a reference names, "" where that is missing; None after a problem."""
        written = self.text(node, path)
        if written is None:
            return None
        found = self.external.secret(written, node.place, path, self.problems)
        self._keep(written, found[0] if found else "", path)
        return found[0] if found else None

    def _keep(self, written: str, value: str, owner: str) -> None:
        self._owned |= dict.fromkeys(references(written), owner)
        if value and has_reference(written):
            self._values.setdefault(value, owner)

    def owner(self, value: str) -> str | None:
        """Whose secret of operations a text is, by its path in the file; the first, where several have it."""
        return self._values.get(value)

    def rights(self, secrets: tuple[str, ...] | None) -> Rights:
        """What marketing's files may read, once this file was read; `secrets`: the patterns that it lists."""
        return Rights(secrets, self._owned, self._values)


def unfit_token(token: str) -> str | None:
    """Why a text cannot be an admin token; None where it can."""
    if all("!" <= sign <= "~" for sign in token):
        return None
    return "holds a blank, a line end or a sign beyond ASCII, and so cannot be sent as a Bearer token"


@dataclass(frozen=True, slots=True)
class GivenToken:
    """What the environment says of the admin token. `why`: what is wrong with the one that it has, which is then no
    `token`. `from_file`: it stands in the env file, which is read again; the environment of a process never changes.
    """

    token: Secret | None = None
    why: str | None = None
    from_file: bool = False

    @classmethod
    def of(cls, text: str | None, *, from_file: bool) -> GivenToken:
        """By the variable's value; an empty one is none."""
        if not text:
            return cls()
        why = unfit_token(text)
        return cls(None, why) if why else cls(Secret(text), None, from_file)


MASK = "a literal secret"


def without_secrets(destination: Any, registry: Registry) -> Any:
    """An entry of `destinations:` as plain data. Of a type that is not installed nobody knows which settings are
    secret: all its texts are hidden but references."""
    if not isinstance(destination, dict):
        return destination
    known = registry.destinations.get(str(destination.get("type")))
    hints = typing.get_type_hints(known.Settings) if known is not None else {}
    return {
        name: _masked(value) if (known is None and name != "type") or _is_secret(hints.get(name)) else value
        for name, value in destination.items()
    }


_HOLDERS = (("collect", "keys", "secret"), ("admin", "tokens", "token"))
"""Where `server.yaml` has a table of names with a secret each."""


def without_keys(server: dict[str, Any]) -> dict[str, Any]:
    """`server.yaml` as plain data, without the secrets of `collect.keys`, `admin.tokens` and `clients`."""
    shown = dict(server)
    for block, table, secret in _HOLDERS:
        held = shown.get(block)
        names = held.get(table) if isinstance(held, dict) else None
        if isinstance(held, dict) and isinstance(names, dict):
            hidden = {name: _without(entry, secret) for name, entry in names.items()}
            shown[block] = {**held, table: hidden}
    if "clients" in shown:
        shown["clients"] = _below_clients(shown["clients"])
    return shown


def _below_clients(value: Any, name: str = "") -> Any:
    """Of a client nobody knows here which settings are secret: what is called so, or stands where secrets do."""
    if isinstance(value, dict):
        return {key: _below_clients(one, str(key)) for key, one in value.items()}
    if isinstance(value, list):
        return [_below_clients(one, name) for one in value]
    return _masked(value) if any(word in name for word in _SECRET_WORDS) else value


_SECRET_WORDS = ("secret", "token", "key", "password")


def _without(entry: Any, secret: str) -> Any:
    if not isinstance(entry, dict):
        return entry
    return {field: _masked(value) if field == secret else value for field, value in entry.items()}


def _is_secret(hint: Any) -> bool:
    return hint is Secret or Secret in typing.get_args(hint)


def _masked(value: Any) -> Any:
    return value if value is None or (isinstance(value, str) and value.startswith("${")) else MASK
