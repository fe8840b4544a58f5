"""`queue:` of `server.yaml`: where the queue lies, how large it may become, and what encrypts its payloads."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

from tagserver.config.references import has_reference
from tagserver.config.yaml.decode import Decoder
from tagserver.config.yaml.problems import Problems
from tagserver.config.yaml.source import Node, Scalar
from tagserver.system.secret import Secret

Filled = Callable[[Node, str], str | None]
"""The text at a path with its `${...}` filled in; None, with the problem noted, where that cannot be done."""


@dataclass(frozen=True, slots=True)
class QueueConfig:
    """`queue:`. `file` below the data folder; sizes in bytes; `keep_dead` and `keep_removed` (deliveries of a
    destination that is not configured any more) in seconds. `network_disk`: whether a folder on one is taken.
    `encrypt`: keys for payloads at rest, of 32 bytes each in base64 or hex; the first one closes, all of them open."""

    file: str = "outbox.db"
    max_size: int = 8 << 30
    min_free: int = 512 << 20
    keep_dead: float = 14 * 86400.0
    keep_removed: float = 86400.0
    network_disk: bool = False
    encrypt: tuple[Secret, ...] = ()


_QUEUE_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}\.(db|sqlite)\Z")
"""Its ending keeps it apart from the other files of the data folder."""
_QUEUE_KEYS = ("url", "max_size", "min_free", "keep_dead", "keep_removed", "network_disk", "encrypt")


def read_queue(decoder: Decoder, problems: Problems, node: Node | None, filled: Filled) -> QueueConfig:
    """The settings; with problems noted, defaults stand in for what is wrong."""
    nodes = {name: value for name, (_, value) in decoder.map(node, "queue", _QUEUE_KEYS).items()}
    file = "outbox.db"
    if (url := nodes.get("url")) is not None and (text := filled(url, "queue.url")) is not None:
        scheme, _, rest = text.partition(":")
        if scheme != "sqlite" or not _QUEUE_FILE.match(rest):
            problems.add(
                "E115",
                url.place,
                "queue.url",
                f'"{decoder.text(url, "queue.url")}" is no queue that is known here',
                "write sqlite:outbox.db (a file in the data folder)",
            )
        else:
            file = rest
    return QueueConfig(
        file=file,
        max_size=decoder.size(nodes.get("max_size"), "queue.max_size", 8 << 30),
        min_free=decoder.size(nodes.get("min_free"), "queue.min_free", 512 << 20),
        keep_dead=decoder.duration(nodes.get("keep_dead"), "queue.keep_dead", 14 * 86400.0),
        keep_removed=decoder.duration(nodes.get("keep_removed"), "queue.keep_removed", 86400.0),
        network_disk=decoder.choice(nodes.get("network_disk"), "queue.network_disk", ("refuse", "allow"), "refuse")
        == "allow",
        encrypt=_encrypt(decoder, problems, nodes.get("encrypt"), filled),
    )


def _encrypt(decoder: Decoder, problems: Problems, node: Node | None, filled: Filled) -> tuple[Secret, ...]:
    """The keys. What is wrong with one of them is an error: nothing may rest in the clear by mistake."""
    path = "queue.encrypt"
    alone = isinstance(node, Scalar) and node.value is not None
    items = [(node, path)] if node is not None and alone else list(decoder.list(node, path))
    keys = []
    for item, where in items:
        written = decoder.text(item, where)
        if written is None:
            continue
        if not has_reference(written):
            hint = "put it in the environment and write ${env:TAGSERVER_QUEUE_KEY}"
            problems.add("E201", item.place, where, f"literal secret in {where}", hint)
        elif (text := filled(item, where)) is not None:
            if key_of(text) is None:
                hint = "make one with openssl rand -base64 32"
                problems.add("E115", item.place, where, f"{where} is no key of 32 bytes", hint)
            else:
                keys.append(Secret(text))
    if keys and node is not None and not is_installed():
        hint = "install it: pip install 'tagserver[encrypt]'"
        problems.add("E115", node.place, path, f"{path} needs the library cryptography", hint)
    return tuple(keys)


KEY_BYTES = 32
_hex = re.compile(r"[0-9a-fA-F]{64}").fullmatch


def key_of(text: str) -> bytes | None:
    """The key that a text stands for: 32 bytes in base64 (`openssl rand -base64 32`) or 64 hex digits; None for
    anything else."""
    text = text.strip()
    if _hex(text):
        return bytes.fromhex(text)
    try:
        key = base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == KEY_BYTES else None


def is_installed() -> bool:
    """Whether the library is there."""
    return find_spec("cryptography") is not None
