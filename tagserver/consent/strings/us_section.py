"""One US section of a GPP string: `BVVqAAEABCA.QA`, the fields of one state's law and perhaps what the browser said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tagserver.consent.strings.bits import Bits
from tagserver.consent.strings.gpp_sections import LAYOUTS, WITHOUT_GPC, WRITTEN_AS, Layout
from tagserver.consent.strings.invalid import Malformed, TooLong

_HARMLESS = frozenset({0, 2})
"""Not applicable, and no. 1 is yes; 3 is not defined, and the careful reading is yes."""
_SALE = ("SaleOptOut", "SharingOptOut", "TargetedAdvertisingOptOut", "MspaServiceProviderMode")
_VERSION = 6
"""Bits of the version, in front of all fields."""
_GPC = 1


@dataclass(frozen=True, slots=True)
class UsSection:
    """`fields` by the IAB's names, in their order; a field of several items is a tuple. `gpc` is None where the section
    has no sub-section for Global Privacy Control."""

    name: str
    version: int
    fields: Mapping[str, int | tuple[int, ...]]
    gpc: bool | None

    @property
    def sale_opt_out(self) -> bool:
        """Whether the visitor opted out of sale, of sharing or of targeted advertising, himself or by his browser. A
        publisher in service provider mode may not sell either."""
        return self.gpc is True or self._says(*_SALE)

    @property
    def sensitive_limit(self) -> bool:
        """Whether some kind of sensitive data may not be processed."""
        return self._says("SensitiveDataProcessing")

    @property
    def known_child(self) -> bool:
        """Whether the visitor is known to be a child for whom nobody consented."""
        return self._says("KnownChildSensitiveDataConsents")

    def _says(self, *names: str) -> bool:
        for name in names:
            value = self.fields.get(name, 0)
            if not _HARMLESS.issuperset(value if isinstance(value, tuple) else (value,)):
                return True
        return False


def read_us_section(name: str, text: str) -> UsSection:
    """Read the section with this name. Raises Malformed."""
    core, *others = text.split(".")
    version = Bits(core, "the section").take(_VERSION)
    layout = LAYOUTS.get((name, version))
    if layout is None:
        raise Malformed(f"version {version} is not known")
    try:
        fields = _read_fields(core, layout)
    except TooLong:
        longer = WRITTEN_AS.get((name, version))
        if longer is None:
            raise
        fields = _read_fields(core, LAYOUTS[longer])
    if len(others) > (name not in WITHOUT_GPC):
        raise Malformed("has a sub-section that it should not have")
    return UsSection(name, version, fields, _read_gpc(others[0]) if others else None)


def _read_fields(core: str, layout: Layout) -> dict[str, int | tuple[int, ...]]:
    bits = Bits(core, "the section")
    bits.take(_VERSION)
    fields: dict[str, int | tuple[int, ...]] = {}
    for field, items in layout:
        values = tuple(bits.take(2) for _ in range(items))
        fields[field] = values if items > 1 else values[0]
    bits.finish()
    return fields


def _read_gpc(text: str) -> bool:
    bits = Bits(text, "the sub-section")
    if bits.take(2) != _GPC:
        raise Malformed("has a sub-section that is not known")
    said = bool(bits.take(1))
    bits.finish()
    return said
