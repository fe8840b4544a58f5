"""How long something lasted, in words."""

from __future__ import annotations

_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def span(seconds: float) -> str:
    """The two largest units: `3 min 20 s`, `2 d 4 h`; `0.4 s` below a second."""
    if seconds < 1:
        return f"{max(0.0, seconds):.1f} s"
    left = round(seconds)
    said: list[str] = []
    for name, size in _UNITS:
        number, left = divmod(left, size)
        if number or said:
            said.append(f"{number} {name}" if number else "")
        if len(said) == 2:
            break
    return " ".join(filter(None, said))
