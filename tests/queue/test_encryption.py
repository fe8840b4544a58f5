"""Payloads encrypted at rest: what closes opens, and nothing else does."""

from __future__ import annotations

import base64
import subprocess
import sys

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.config.queue import key_of
from tagserver.queue.encryption import (
    MAGIC,
    NO_ENCRYPTION,
    Encryption,
    Undecryptable,
    is_encrypted,
)
from tagserver.queue.values import Delivery
from tests.config.world import load

ONE, TWO = bytes(range(32)), bytes(range(1, 33))


def delivery(body: bytes = b'{"ip":"203.0.113.77"}', **changes: str) -> Delivery:
    told = {"event_id": "e-1", "name": "Purchase", "tag": "T", "destination": "meta", "identity": "i"} | changes
    return Delivery(
        key=b"k" * 16,
        container="c",
        mode="send",
        purposes=frozenset(),
        person=(),
        group=None,
        time=1,
        received=1,
        expires=None,
        body=body,
        **told,
    )


@given(st.binary(max_size=300), st.text(st.characters(codec=None), max_size=20))
def test_what_closes_opens(body: bytes, event_id: str) -> None:
    made = delivery(b"{" + body, event_id=event_id)
    closed = Encryption([ONE, TWO]).encrypt(made)
    assert is_encrypted(closed.body)
    assert Encryption([TWO, ONE]).decrypt(closed) == made.body
    assert msgspec.structs.replace(closed, body=made.body) == made


def test_equal_bodies_do_not_look_equal() -> None:
    encryption = Encryption([ONE])
    assert len({encryption.encrypt(delivery()).body for _ in range(50)}) == 50


def test_without_a_key_nothing_changes() -> None:
    made = delivery()
    assert NO_ENCRYPTION.encrypt(made) is made
    assert NO_ENCRYPTION.decrypt(made) == Encryption([ONE]).decrypt(made) == made.body


def test_another_key_opens_nothing_and_is_named() -> None:
    closed = Encryption([ONE]).encrypt(delivery())
    for encryption in (Encryption([TWO]), NO_ENCRYPTION):
        with pytest.raises(Undecryptable, match=r"the key [0-9a-f]{8}, which queue\.encrypt does not list"):
            encryption.decrypt(closed)


@pytest.mark.parametrize("field", ["event_id", "tag", "destination"])
def test_a_body_opens_in_its_own_row_alone(field: str) -> None:
    moved = msgspec.structs.replace(Encryption([ONE]).encrypt(delivery()), **{field: "another"})
    with pytest.raises(Undecryptable, match="damaged"):
        Encryption([ONE]).decrypt(moved)


@given(st.integers(0, 60), st.integers(1, 255))
def test_a_changed_byte_is_noticed(at: int, by: int) -> None:
    body = bytearray(Encryption([ONE]).encrypt(delivery()).body)
    body[at % len(body)] ^= by
    broken = msgspec.structs.replace(delivery(), body=bytes(body))
    if broken.body.startswith(MAGIC):
        with pytest.raises(Undecryptable):
            Encryption([ONE]).decrypt(broken)
    else:
        assert not is_encrypted(broken.body)


@given(st.binary(max_size=60))
def test_any_end_of_a_body_is_locked_and_raises_nothing_else(rest: bytes) -> None:
    with pytest.raises(Undecryptable):
        Encryption([ONE]).decrypt(delivery(MAGIC + rest))


@pytest.mark.parametrize(
    "text",
    [
        base64.b64encode(ONE).decode(),
        base64.urlsafe_b64encode(ONE).decode().rstrip("="),
        ONE.hex(),
        ONE.hex().upper(),
        f" {base64.b64encode(ONE).decode()}\n",
    ],
)
def test_a_key(text: str) -> None:
    assert key_of(text) == ONE


@pytest.mark.parametrize("text", ["", "secret", "a" * 63, base64.b64encode(ONE[:31]).decode(), "ä" * 44, "=" * 44])
def test_no_key(text: str) -> None:
    assert key_of(text) is None


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ('"${env:QUEUE_KEY}"', []),
        ("['${env:QUEUE_KEY}', '${env:QUEUE_KEY}']", []),
        ("[]", []),
        ("abc", ["literal secret in queue.encrypt"]),
        ('"${env:SHORT}"', ["queue.encrypt is no key of 32 bytes"]),
        ("['${env:QUEUE_KEY}', '${env:UNSET}']", ["queue.encrypt[1]: the environment variable UNSET is not set"]),
    ],
)
def test_the_setting(value: str, said: list[str]) -> None:
    """What is wrong with a key is an error, and no value is repeated: nothing may rest in the clear by mistake."""
    environ = {"QUEUE_KEY": ONE.hex(), "SHORT": "a-secret-that-is-short"}
    found = load({"server.yaml": f"queue: {{encrypt: {value}}}", "container.yaml": "consent: {}"}, environ=environ)
    assert [one.message for one in found.problems] == said
    assert all(one.severity == "error" and "a-secret" not in repr(one) for one in found.problems)


WITHOUT = """
import sys
sys.modules["cryptography"] = None
from tests.config.world import load
server = 'queue: {encrypt: "${env:KEY}"}'
found = load({"server.yaml": server, "container.yaml": "consent: {}"}, environ={"KEY": "00" * 32})
print([(one.code, one.message, one.hint) for one in found.problems])
"""


def python(text: str) -> str:
    return subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True).stdout


def test_the_library_is_missing() -> None:
    said = python(WITHOUT)
    assert "queue.encrypt needs the library cryptography" in said
    assert "tagserver[encrypt]" in said


def test_the_library_is_not_loaded_without_a_key() -> None:
    assert python("import sys, tagserver.runtime.runtime; print('cryptography' in sys.modules)").strip() == "False"
