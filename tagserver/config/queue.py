"""`queue:` of `server.yaml`: where the queue lies, how large it may become, and what encrypts its payloads."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from importlib.util import find_spec

from tagserver.config import schema_parts as parts
from tagserver.config.keys import DURATION, SIZE, Block, ValueType, key
from tagserver.config.references import has_reference
from tagserver.config.schema_parts import many, one_of
from tagserver.config.yaml.decode import Decoder
from tagserver.config.yaml.source import Node, Scalar
from tagserver.system.secret import Secret

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


_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}\.(db|sqlite)\Z")
"""Its ending keeps it apart from the other files of the data folder."""


def _file(d: Decoder, node: Node, path: str) -> str:
    text = d.filled(node, path)
    scheme, _, rest = (text or "").partition(":")
    if text is not None and (scheme != "sqlite" or not _FILE.match(rest)):
        message = f'"{d.text(node, path)}" is no queue that is known here'
        d.problems.add("E115", node.place, path, message, "write sqlite:outbox.db (a file in the data folder)")
    return rest


def _encrypt(d: Decoder, node: Node, path: str) -> tuple[Secret, ...]:
    """The keys. What is wrong with one of them is an error: nothing may rest in the clear by mistake."""
    alone = isinstance(node, Scalar) and node.value is not None
    keys = []
    for item, where in [(node, path)] if alone else d.list(node, path):
        written = d.text(item, where)
        if written is None:
            continue
        if not has_reference(written):
            hint = "put it in the environment and write ${env:TAGSERVER_QUEUE_KEY}"
            d.problems.add("E201", item.place, where, f"literal secret in {where}", hint)
        elif (text := d.filled(item, where)) is not None:
            if key_of(text) is None:
                hint = "make one with openssl rand -base64 32"
                d.problems.add("E115", item.place, where, f"{where} is no key of 32 bytes", hint)
            else:
                keys.append(Secret(text))
    if keys and not is_installed():
        hint = "install it: pip install 'tagserver[encrypt]'"
        d.problems.add("E115", node.place, path, f"{path} needs the library cryptography", hint)
    return tuple(keys)


@dataclass(frozen=True, slots=True)
class QueueConfig:
    """`queue:`. `file` below the data folder; sizes in bytes; `keep_dead` and `keep_removed` (deliveries of a
    destination that is not configured any more) in seconds. `network_disk`: whether a folder on one is taken.
    `encrypt`: keys for payloads at rest, of 32 bytes each in base64 or hex; the first one encrypts, all of them
    decrypt."""

    file: str = key(
        ValueType(parts.TEXT, _file), '"sqlite:outbox.db"', "a file in the folder given with `--data`", name="url"
    )
    max_size: int = key(
        SIZE,
        "8GiB",
        "from 70 % of it `/readyz` says so; from 95 % events are refused (503), until it is below 80 %. Nothing is "
        "ever dropped to make room",
    )
    min_free: int = key(SIZE, "512MiB", "of the disk, kept free: below it events are refused")
    keep_dead: float = key(DURATION, "14d", "how long dead letters are kept; then they count as erased")
    keep_removed: float = key(
        DURATION, "24h", "how long deliveries of a removed destination wait; then they become dead letters"
    )
    network_disk: bool = key(
        ValueType(
            one_of("refuse", "allow"),
            lambda d, node, path: d.choice(node, path, ("refuse", "allow"), "refuse") == "allow",
        ),
        "refuse",
        "`allow`: start also when the data folder is on NFS, SMB or FUSE. SQLite's locks are not safe there",
    )
    encrypt: tuple[Secret, ...] = key(
        ValueType({"anyOf": [parts.REFERENCE, many(parts.REFERENCE)]}, _encrypt),
        "[]",
        "a key, or a list of them, for [encryption at rest](operate.md#encryption-at-rest): `${env:…}` or "
        "`${file:…}` with 32 bytes in base64 (`openssl rand -base64 32`). The first encrypts, all decrypt. Needs "
        "the extra `tagserver[encrypt]`",
    )


QUEUE = Block.of(QueueConfig, "Where deliveries wait.")
