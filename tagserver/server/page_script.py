"""The page's script as it is served: `static/t.js` without comments and blanks, under short names, and packed.

`tests/browser/build.py` makes these files, and they are part of the source: so every installation of one version serves
the same bytes, which pages name by their hash, and to install or to run needs neither a minifier nor Brotli.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType

IDENTITY = "identity"
ENDINGS = MappingProxyType({"br": ".br", "gzip": ".gz", IDENTITY: ""})
"""How each coding (RFC 9110, 8.4.1) is called at the end of a file's name; the smallest first."""
_VERSION = re.compile(rb'version:"([0-9a-f]{12})"')


@dataclass(frozen=True, slots=True)
class PageScript:
    """One version. `bodies`: coding → bytes."""

    version: str
    bodies: Mapping[str, bytes]

    @property
    def integrity(self) -> str:
        """For the attribute `integrity` of a script element."""
        digest = hashlib.sha384(self.bodies[IDENTITY]).digest()
        return f"sha384-{base64.b64encode(digest).decode()}"


def shipped() -> PageScript:
    """The version that belongs to this tagserver."""
    static = files("tagserver").joinpath("static")
    bodies = {coding: static.joinpath(f"t.min.js{ending}").read_bytes() for coding, ending in ENDINGS.items()}
    found = _VERSION.search(bodies[IDENTITY])
    assert found is not None, "the build writes the version into the script"
    return PageScript(found[1].decode(), MappingProxyType(bodies))


def stub() -> str:
    """What a page has inline before the script: it keeps a purchase's id and `tagserver.track` until that has come."""
    return files("tagserver").joinpath("static", "stub.js").read_text("utf-8")
