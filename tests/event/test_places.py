"""Cities, regions, postal codes and countries, in the form that is hashed."""

from __future__ import annotations

import pytest

from tagserver.event.normalise import (
    city_text,
    postal_text,
    state_text,
)
from tagserver.event.places import country_code, region_code

from .hashes import address, sha256


@pytest.mark.parametrize(
    ("sent", "canonical"),
    [
        ("San Francisco", "sanfrancisco"),
        ("St. John's", "stjohns"),
        ("Zürich", "zürich"),
        ("São Paulo", "sãopaulo"),
        ("東京", "東京"),
        ("1010 Wien", "wien"),
        ("Frankfurt (Main)", "frankfurtmain"),
    ],
)
def test_city(sent: str, canonical: str) -> None:
    """Letters alone, of any script."""
    assert city_text(sent) == canonical


@pytest.mark.parametrize(
    ("sent", "country", "canonical"),
    [
        ("California", "us", "ca"),
        ("california", None, "ca"),
        ("CA", "us", "ca"),
        ("US-CA", "us", "ca"),
        ("US-CA", None, "ca"),
        ("N.Y.", "us", "ny"),
        ("Washington, D.C.", "us", "dc"),
        ("Puerto Rico", "us", "pr"),
        ("Québec", "ca", "qc"),
        ("Ontario", None, "on"),
        ("Bayern", "de", "bayern"),
        ("Baden-Württemberg", "de", "badenwürttemberg"),
        ("Washington", "gb", "washington"),
        ("Bavaria", "us", "bavaria"),
    ],
)
def test_region(sent: str, country: str | None, canonical: str) -> None:
    """US states and Canadian provinces as codes, in no other country; everything else uncut."""
    assert state_text(sent, country) == canonical


@pytest.mark.parametrize(
    ("sent", "country", "canonical"),
    [
        ("94035", "us", "94035"),
        ("94035-1234", "us", "94035"),
        ("940351234", "us", "94035"),
        ("94035-1234", None, "94035"),
        ("94035", None, "94035"),
        ("M1 1AE", "gb", "m11ae"),
        ("m1-1ae", None, "m11ae"),
        ("10115", "de", "10115"),
        ("D-10115", "de", "d10115"),
        ("100-0001", "jp", "1000001"),
        ("１００－０００１", "jp", "1000001"),
        ("123456789", None, "123456789"),
    ],
)
def test_postal_code(sent: str, country: str | None, canonical: str) -> None:
    """Without blanks and dashes; five digits for the US, or for the shape of a ZIP+4 where no country is known."""
    assert postal_text(sent, country) == canonical


def test_postal_code_as_a_number() -> None:
    """JSON numbers are text that somebody forgot to quote."""
    assert address(postal_code=10115, country="DE").postal_code[0] == (sha256("10115"),)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("United States", "us"),
        ("US", "us"),
        ("usa", "us"),
        ("U.S.A.", "us"),
        ("United States of America", "us"),
        ("uk", "gb"),
        ("England", "gb"),
        ("AUT", "at"),
        ("Deutschland", "de"),
        ("The Netherlands", "nl"),
        ("Korea, Republic of", "kr"),
        ("Türkiye", "tr"),
        ("Curacao", "cw"),
        ("zz", None),
        ("Atlantis", None),
        ("", None),
    ],
)
def test_country(sent: str, code: str | None) -> None:
    """Alpha-2, alpha-3 and names; an unknown one is not guessed from its first two letters."""
    assert country_code(sent) == code


def test_states_are_of_their_country() -> None:
    """A province is none of the US, nor the other way round."""
    assert region_code("Ontario", "us") is None
    assert region_code("Texas", "ca") is None
