"""Numbers as people read them."""

from __future__ import annotations

import pytest

from tagserver.system.text import counted, deliveries, size


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1,023 bytes"),
        (1536, "1.5 KiB"),
        (512 << 20, "512 MiB"),
        (2 << 30, "2 GiB"),
        (5 << 30 | 1 << 29, "5.5 GiB"),
        (3000 << 40, "3,000 TiB"),
    ],
)
def test_a_size(number: int, said: str) -> None:
    assert size(number) == said


def test_a_number_of_things() -> None:
    assert [deliveries(number) for number in (0, 1, 1234)] == ["0 deliveries", "1 delivery", "1,234 deliveries"]
    assert counted(2, "problem") == "2 problems"
