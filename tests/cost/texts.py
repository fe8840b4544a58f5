"""Texts that make careless code slow: long runs of what patterns repeat, of what opens and never closes, of what is
looked at once more for each sign. Each is made to a length, about."""

from __future__ import annotations

from collections.abc import Mapping

from .growth import Hostile


def _run(piece: str, front: str = "", back: str = "") -> Hostile:
    return lambda size: front + piece * max(1, size // len(piece)) + back


HOSTILE: Mapping[str, Hostile] = {
    "digits": _run("9"),
    "digits and a letter": _run("9", back="x"),
    "a decimal and a letter": _run("3", "1.", "x"),
    "noughts before an exponent": _run("0", back="e1x"),
    "groups of digits": _run("123,", back="x"),
    "digits with blanks": _run("4 ", "+"),
    "plus signs": _run("+"),
    "telephone numbers": _run("+4930123456", back="x"),
    "extensions": _run("x1;"),
    "letters": _run("a", back="!"),
    "letters and a sign": _run("a", back="@"),
    "signs": _run("@"),
    "e-mail addresses": _run("a@b.de,"),
    "e-mail addresses without an end": _run("a@b."),
    "encoded signs": _run("%40"),
    "percent signs": _run("%", back="x"),
    "encoded twice": _run("%2540"),
    "blanks": _run(" ", "x", "x"),
    "blanks and letters": _run("a "),
    "lines": _run("\n", back="x"),
    "dots": _run("."),
    "dashes": _run("-", back="!"),
    "brackets": _run("["),
    "braces": _run("{{"),
    "references": _run("${env:"),
    "groups": _run("$&"),
    "backslashes": _run("\\", back="u"),
    "half characters": _run("\\ud83d"),
    "quotes": _run("'"),
    "marks above and below": _run("\u0316\u0301", "a"),
    "a host of marks": _run("\u0316\u0301", "https://a", ".example/"),
    "a host of marks behind a tab": _run("\u0316\u0301", "https:/\t/a", ".example/"),
    "ligatures": _run("\ufdfa"),
    "capitals with a dot": _run("\u0130"),
    "keys of a query": _run("a=b&", "https://shop.example/?"),
    "addresses in an address": _run("?u=https://a.example/", "https://a.example/"),
    "encoded addresses in an address": _run("%3Fu%3Dhttps://a.example/", "https://a.example/?u=https://a.example/"),
    "steps of a path": _run("/1", "https://shop.example"),
    "cookies": _run("a=1; "),
    "cookies of one name": _run("euconsent-v2; ", "OptanonConsent=groups="),
    "groups of OneTrust": _run("C0001:1,", "groups="),
    "fields of Cookiebot": _run("a:'b',", "{", "}"),
    "services of tarteaucitron": _run("!a=wait"),
    "nested JSON": _run('{"a":'),
    "keys of JSON": _run('"a":1,', "{", '"b":2}'),
    "base64 of noughts": _run("A"),
    "a TC string": _run("A", "CQ"),
    "segments of a TC string": _run(".IA", "CQAAAAAQAAAAAAHABBENAAAAAAAAAAAAAAAAAAAAAA"),
    "sections of GPP": _run("~1YNN", "DBABMA"),
    "numbers of AC": _run("1.", "1~", "1"),
    "an IP address": _run("1:"),
    "steps of an IP address": _run("1."),
    "user agents": _run("android mobile "),
    "a regular expression": _run("(a|"),
    "repeats of a regular expression": _run("a*", back="b"),
    "words of a query": _run("a+"),
}
