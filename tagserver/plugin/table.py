"""A vendor's payload as a table: its field ← where our event has it, and how it is read.

    USER = Part("user", Field("email", EMAIL, HASHES), Field("ip", "ip", IP, clear=True), others="is no key of theirs")
    ORDER = Part("order", Items("lines", LINES), Value("value", NUMBER), tag="over", others=DATA)

    class Acme(Destination):
        table = Table(USER, ORDER)

        def build(self, event, parameters, settings, mode):
            user = USER.fill(event, given.group("user"), settings, omitted)

A part is compiled once for each settings. From its rows come what the destination reads, which fields are hashes, which
hold a person in the clear and which may hold free text, so that nobody writes these lists beside it. What no table can
say is a `Code`.
"""

from __future__ import annotations

from tagserver.plugin.table_parts import Part, Table
from tagserver.plugin.table_rows import HASH, HASHES, Clear, Code, Field, From, Hashes, Items, RuleBy, Value

__all__ = [
    "HASH",
    "HASHES",
    "Clear",
    "Code",
    "Field",
    "From",
    "Hashes",
    "Items",
    "Part",
    "RuleBy",
    "Table",
    "Value",
]
