"""The test mode of a vendor, as a plugin's settings state it (`setting(…, test=True)`): a code that the vendor's test
tool shows, or a flag with which everything is checked and nothing recorded."""

from __future__ import annotations

import dataclasses
import typing
from typing import Any

LONGEST_CODE = 100
"""Characters of a test code."""


@dataclasses.dataclass(frozen=True, slots=True)
class VendorTest:
    """The settings that make a test of an event, by name with what they mean: `code` takes the text that a person
    brings from the vendor's test tool, `flag` is switched on where no code is given. One of them is not None."""

    code: tuple[str, str] | None = None
    flag: tuple[str, str] | None = None

    @property
    def about(self) -> str:
        """What the plugin says of it, in sentences."""
        return " ".join(text for _, text in filter(None, (self.code, self.flag)))

    def settings(self, code: str, configured: Any) -> dict[str, Any]:
        """What to set for one event. Raises ValueError with a sentence for a code that is missing, not taken, or not
        as the plugin wants it."""
        if not code:
            if self.flag is None:
                raise ValueError("type the test code that the vendor shows")
            return {self.flag[0]: True}
        if self.code is None:
            raise ValueError("this vendor takes no test code: leave the field empty")
        if len(code) > LONGEST_CODE:
            raise ValueError(f"a test code has {LONGEST_CODE} characters at most")
        if not code.isprintable():
            raise ValueError("a test code is one line of letters and digits")
        field = next(one for one in dataclasses.fields(configured) if one.name == self.code[0])
        check = field.metadata.get("check")
        if check is not None and (said := check(code)) is not None:
            raise ValueError(str(said))
        return {self.code[0]: code}


def vendor_test(settings: type) -> VendorTest | None:
    """The test mode that a Settings dataclass states, or None. Fields of other types than text and flag are none."""
    hints = typing.get_type_hints(settings)
    found: dict[type, tuple[str, str]] = {}
    for field in dataclasses.fields(settings):
        if not field.metadata.get("test"):
            continue
        hint = hints[field.name]
        for kind in (str, bool):
            if hint is kind or kind in typing.get_args(hint):
                found.setdefault(kind, (field.name, str(field.metadata.get("doc", ""))))
    return VendorTest(found.get(str), found.get(bool)) if found else None
