"""The test mode that a plugin's settings state, and what of it is set for one event."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tagserver.plugin import setting
from tagserver.plugin.registry import Registry
from tagserver.plugin.vendor_test import vendor_test


def _code(value: str) -> str | None:
    return None if value.startswith("T") else "a code begins with T"


@dataclass(frozen=True, kw_only=True)
class Both:
    """A code and a flag."""

    code: str | None = setting("The code.", default=None, test=True, check=_code)
    dry: bool = setting("Record nothing.", default=False, test=True)
    other: str = setting("Something else.", default="")


@dataclass(frozen=True, kw_only=True)
class CodeOnly:
    """A code."""

    code: str | None = setting("The code.", default=None, test=True)


@dataclass(frozen=True, kw_only=True)
class FlagOnly:
    """A flag."""

    dry: bool = setting("Record nothing.", default=False, test=True)


@dataclass(frozen=True, kw_only=True)
class Neither:
    """None; a number is no mode."""

    rate: int = setting("How many.", default=1, test=True)


def test_what_is_stated() -> None:
    both = vendor_test(Both)
    assert both is not None
    assert (both.code, both.flag) == (("code", "The code."), ("dry", "Record nothing."))
    assert both.about == "The code. Record nothing."
    assert vendor_test(Neither) is None


@pytest.mark.parametrize(
    ("settings", "code", "changed"),
    [
        (Both, "T1", {"code": "T1"}),
        (Both, "", {"dry": True}),
        (CodeOnly, "X", {"code": "X"}),
        (FlagOnly, "", {"dry": True}),
        (Both, "x", "begins with T"),
        (CodeOnly, "", "type the test code"),
        (CodeOnly, "a\nb", "one line"),
        (FlagOnly, "T1", "takes no test code"),
    ],
)
def test_what_is_set(settings: type, code: str, changed: object) -> None:
    mode = vendor_test(settings)
    assert mode is not None
    if isinstance(changed, str):
        with pytest.raises(ValueError, match=changed):
            mode.settings(code, settings())
    else:
        assert mode.settings(code, settings()) == changed


def test_the_vendors_of_this_repository() -> None:
    """Which of them have a test mode, and what it takes."""
    found = {name: vendor_test(one.Settings) for name, one in Registry.load().destinations.items()}
    told = {
        name: tuple(part and part[0] for part in (mode.code, mode.flag)) if mode else None
        for name, mode in found.items()
    }
    assert told == {
        "file": None,
        "ga4": (None, "debug"),
        "linkedin": None,
        "meta_capi": ("test_event_code", None),
        "pinterest": (None, "test"),
        "reddit": ("test_id", None),
        "snapchat": ("test_event_code", "validate"),
        "tiktok": ("test_event_code", None),
        "webhook": None,
    }
