"""What the configuration's tests are made of: three small destinations, and a folder of files in memory."""

# ruff: noqa: RUF009 (`setting` makes a dataclass field)

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from tagserver.config.compile import Loaded, compile_container
from tagserver.config.model import Container
from tagserver.config.yaml.folder import is_unread
from tagserver.event.event import Event
from tagserver.pipeline.route import Decision, all_decisions, route
from tagserver.plugin import (
    Built,
    ConsentNeeds,
    Destination,
    Limits,
    Mode,
    Payload,
    Request,
    Secret,
    StandardEvents,
    setting,
)
from tagserver.plugin.registry import PluginInfo, Registry

from .tickets import Passes, Tickets

ENVIRON = {
    "BACKEND_KEY": "backend-key-1",
    "TOKEN": "token-secret-1",
    "ACCOUNT": "4711",
    "TOKEN_OF_ANNA": "token-of-anna-0123456789",
}


def _account(value: str) -> str | None:
    return None if value.isalnum() else "letters and digits only"


@dataclass(frozen=True, kw_only=True)
class BoxSettings:
    """One optional text."""

    account: str = setting("Whose box it is.", default="1", identity=True, check=_account)


class Box(Destination):
    """Takes everything: needs no consent, and sends its parameters."""

    type = "box"
    api_version = 1
    Settings = BoxSettings
    consent = ConsentNeeds(())
    limits = Limits(events=10, bytes=1 << 20)
    reads = ("*",)

    def hosts(self, settings: Any) -> Sequence[str]:
        """One made-up vendor."""
        return ("box.example",)

    def build(self, event: Event, parameters: Mapping[str, Any], settings: Any, mode: Mode) -> Built:
        """The parameters, under the event's own name unless the tag gives another."""
        name = parameters.get("event_name") or event.name
        return Built({"event_id": event.event_id, **parameters}, str(name), event.time)

    def request(self, payloads: Sequence[Payload], settings: Any) -> Request:
        """A list of the payloads."""
        content = b"[" + b",".join(payload.body for payload in payloads) + b"]"
        return Request("POST", "https://box.example/in", {"content-type": "application/json"}, content)


class Ads(Box):
    """For ads, with a restricted mode."""

    type = "ads"
    ads = True
    standard_events = StandardEvents(
        {"purchase": "Purchase", "add_to_cart": "AddToCart", "begin_checkout": "InitiateCheckout"},
        frozenset({"Contact"}),
    )
    consent = ConsentNeeds(("ad_storage", "ad_user_data"), restricted=True)


@dataclass(frozen=True, kw_only=True)
class VaultSettings:
    """A secret that is needed, and an address."""

    token: Secret = setting("Its key.")
    api_url: str = setting("Where it is.", default="https://vault.example", identity=True)


class Vault(Box):
    """Needs a secret."""

    type = "vault"
    Settings = VaultSettings  # type: ignore[assignment]  # (settings of its own)

    def hosts(self, settings: Any) -> Sequence[str]:
        """Its own host."""
        return ("vault.example",)

    def request(self, payloads: Sequence[Payload], settings: Any) -> Request:
        """The secret in a header."""
        made = super().request(payloads, settings)
        return Request(made.method, settings.api_url, {"authorization": settings.token.reveal()}, made.content)


@dataclass(frozen=True, kw_only=True)
class HookSettings:
    """An address of the site's own."""

    url: str = setting("Where to.", identity=True)


class Hook(Box):
    """Calls whatever host its address names."""

    type = "hook"
    Settings = HookSettings  # type: ignore[assignment]  # (settings of its own)

    def hosts(self, settings: Any) -> Sequence[str]:
        """That of the address."""
        return (urlsplit(settings.url).hostname or "",)


class Broken(Box):
    """Fails as soon as it is set up."""

    type = "broken"

    def hosts(self, settings: Any) -> Sequence[str]:
        """Breaks."""
        raise ZeroDivisionError("token-secret-1")


class Dated(Box):
    """The version of its API ends a month after `TODAY`."""

    type = "dated"

    def version_ends(self, settings: Any) -> date | None:
        """A day."""
        return date(2026, 12, 24)


@dataclass(frozen=True, kw_only=True)
class MoodySettings:
    """One setting that a tag may set."""

    mood: str = setting("How it is.", default="good", per_tag=True)


class Moody(Box):
    """Fails in a bad mood."""

    type = "moody"
    Settings = MoodySettings  # type: ignore[assignment]  # (settings of its own)

    def sees(self, settings: Any) -> Sequence[str]:
        """Everything, or breaks."""
        if settings.mood == "bad":
            raise ValueError
        return self.reads


TODAY = date(2026, 11, 24)
REGISTRY = Registry.of(Box, Ads, Vault, Hook, Broken, Dated, Moody, clients=(Tickets, Passes))


class Loud(Box):
    """Names its host with the scheme."""

    type = "loud"

    def hosts(self, settings: Any) -> Sequence[str]:
        """An address."""
        return ("https://box.example",)


WITH_A_LOSS = Registry(
    MappingProxyType({**REGISTRY.destinations, "loud": Loud}),
    (PluginInfo("lost", "1.0", (), "ImportError: no module named lost_sdk"),),
    conflicts=MappingProxyType(
        {"parcels": "parcels-a 1.0 and parcels-b 2.0 bring the type parcels, and nobody's is used: remove all but one"}
    ),
    shadowed=MappingProxyType({"ads": "the type ads is tagserver's own, and that of other-ads 1.0 is not used"}),
)
"""One plugin that could not be loaded, two of one type, one of a type of ours, and one that says nonsense."""


def no_file(name: str) -> str:
    """A world without files."""
    raise FileNotFoundError(2, "No such file or directory", name)


def load(
    files: Mapping[str, str | bytes],
    environ: Mapping[str, str] = MappingProxyType(ENVIRON),
    registry: Registry = REGISTRY,
    today: date | None = TODAY,
    tests: Mapping[str, str] = MappingProxyType({}),
) -> Loaded:
    """Compile files given by their names; `tests` are the folder's."""
    texts = {name: text.encode() if isinstance(text, str) else text for name, text in files.items()}
    unread = [name for name in texts if is_unread(PurePosixPath(name))]
    texts = {name: text for name, text in texts.items() if name not in unread}

    def cases() -> Mapping[str, bytes]:
        return {name: text.encode() for name, text in tests.items()}

    return compile_container(
        texts, registry=registry, environ=environ, read_file=no_file, today=today, unread=unread, tests=cases
    )


def container(text: str) -> Container:
    """A container of one file that has no error."""
    loaded = load({"container.yaml": text})
    assert loaded.container is not None, [problem.message for problem in loaded.problems]
    return loaded.container


def codes(loaded: Loaded) -> list[str]:
    """The codes of all problems, in their order."""
    return [problem.code for problem in loaded.problems]


def decide(made: Container, event: Event) -> dict[str, Decision]:
    """Tag → decision."""
    return {decision.tag.name: decision for decision in all_decisions(made, route(made, event))}
