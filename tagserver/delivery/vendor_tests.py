"""Deliveries that go to a vendor as a test: with the code of its test tool, or under a flag with which it checks and
records nothing.

That is noted in the row's group: rows of different groups never share a request, and a request is a test as a whole.
The plugin sees its own group, and settings that make it a test.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec

from tagserver.delivery.target import Target
from tagserver.plugin import Destination, Payload
from tagserver.plugin.fault import PluginFailed
from tagserver.plugin.vendor_test import VendorTest, vendor_test

MARK = "\0test\0"
"""What the group of one begins with."""
_mode_of_settings = lru_cache(maxsize=256)(vendor_test)


def mode_of(destination: Destination) -> VendorTest | None:
    """The test mode of a destination's vendor; None where there is none."""
    return None if destination.sink else _mode_of_settings(type(destination).Settings)


def code_in(mode: VendorTest, settings: Any) -> str:
    """The test code that the settings hold already, or an empty one."""
    held = getattr(settings, mode.code[0], None) if mode.code is not None else None
    return held if isinstance(held, str) else ""


def marked(group: str | None, code: str) -> str:
    """The group of such a delivery. `code` has no NUL; it is empty where the vendor's flag is meant."""
    return f"{MARK}{code}\0{'' if group is None else f'={group}'}"


def for_test(payloads: Sequence[Payload], group: str, target: Target) -> tuple[list[Payload], Target]:
    """Payloads of one marked group, and the way to the vendor, as the plugin gets them. Raises PluginFailed where the
    destination has no such test mode any more: it must not go for real then."""
    code, _, own = group.removeprefix(MARK).partition("\0")
    mode = mode_of(target.destination)
    try:
        changed = mode.settings(code, target.settings) if mode is not None else None
    except ValueError as bad:
        raise PluginFailed(f"it was to go as a test, and cannot: {bad}") from None
    if changed is None:
        raise PluginFailed("it was to go as a test, and its destination has no test mode any more")
    settings = dataclasses.replace(target.settings, **changed)
    plain = [msgspec.structs.replace(one, group=own[1:] if own else None) for one in payloads]
    return plain, dataclasses.replace(target, settings=settings)
