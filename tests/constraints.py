"""`python -m tests.constraints`: the versions that the tests ran with, of everything that an installation holds.

Names and versions alone: no address, no hash, nothing of the machine. The result is kept in
`config/operate/constraints.txt`; `pip install -c` takes it.
"""

from __future__ import annotations

import sys
from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

EXTRAS = ("", "encrypt", "geo", "parquet")
"""What is installed somewhere; `dev` is not."""


def needed(name: str, extras: tuple[str, ...], found: dict[str, str]) -> None:
    """Add what a distribution needs here, and what that needs."""
    for text in metadata.requires(name) or ():
        requirement = Requirement(text)
        marker = requirement.marker
        if marker is not None and not any(marker.evaluate({"extra": extra}) for extra in extras):
            continue
        below = canonicalize_name(requirement.name)
        if below not in found:
            found[below] = metadata.version(below)
            needed(below, ("", *requirement.extras), found)


def main() -> None:
    """Print the file."""
    found: dict[str, str] = {}
    needed("tagserver", EXTRAS, found)
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    print("# The versions that the tests ran with last; `python -m tests.constraints` writes this file.")
    print(f"# Python {python} on {sys.platform}. For: pip install -c constraints.txt tagserver")
    for name, version in sorted(found.items()):
        print(f"{name}=={version}")


if __name__ == "__main__":
    main()
