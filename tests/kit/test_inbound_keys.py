"""Keys that stand in a request as they are: whose they are, and that whatever else stands there is nobody's."""

from __future__ import annotations

import base64

import pytest

from tagserver.plugin.inbound import KeyedSource, Refuse, basic_user, bearer, sender_of
from tagserver.system.secret import Secret


def source(name: str, *texts: str) -> KeyedSource:
    return KeyedSource(name, tuple(Secret(text) for text in texts))


SOURCES = {one.name: one for one in (source("web", "key-of-the-web"), source("till", "new-key", "old-key"))}


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("authorization", "key", "user"),
    [
        ("Bearer key-of-the-web", "key-of-the-web", None),
        ("bearer   padded  ", "padded", None),
        ("Bearer ", None, None),
        (basic("key-of-the-web:"), None, "key-of-the-web"),
        (basic("key:password"), None, "key"),
        (basic(":password"), None, None),
        ("Basic !!!", None, None),
        ("Basic " + base64.b64encode(b"\xff\xfe:").decode(), None, None),
        (basic("x" * 5000), None, None),
        ("Basic \xff\xfe==", None, None),
        ("Digest abc", None, None),
        ("", None, None),
    ],
)
def test_where_a_key_stands(authorization: str, key: str | None, user: str | None) -> None:
    assert (bearer({"authorization": authorization}), basic_user({"authorization": authorization})) == (key, user)


def test_no_header_no_key() -> None:
    assert (bearer({}), basic_user({})) == (None, None)


@pytest.mark.parametrize(("given", "name"), [("key-of-the-web", "web"), ("new-key", "till"), ("old-key", "till")])
def test_whose_it_is(given: str, name: str) -> None:
    assert sender_of(SOURCES, given) == name


@pytest.mark.parametrize("given", ["", None, "key-of-the-we", "KEY-OF-THE-WEB", "key-of-the-web\ud800", "x" * 9000])
def test_nobodys(given: str | None) -> None:
    with pytest.raises(Refuse) as caught:
        sender_of(SOURCES, given)
    assert (caught.value.status, caught.value.code) == (401, "unknown_key")
    assert "key-of" not in caught.value.message


def test_a_secret_that_is_not_there_yet() -> None:
    """It may be that one: come again. Who has another sender's key is known all the same, and nothing is not a key."""
    sources = {**SOURCES, "late": source("late", "")}
    assert sender_of(sources, "old-key") == "till"
    with pytest.raises(Refuse) as caught:
        sender_of(sources, "the-late-one")
    assert (caught.value.status, caught.value.retry_after) == (503, 60)
    for nothing in ("", None):
        with pytest.raises(Refuse) as caught:
            sender_of(sources, nothing)
        assert caught.value.status == 401
