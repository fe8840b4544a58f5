"""Builds what is served of the page's scripts: `python -m tests.browser.build`, after each change of one of them.

The result is part of the source (`server/script.py` says why); `test_build.py` sees to it that it is fresh.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path

import brotli
import minify
import zopfli.gzip

STATIC = Path(__file__).parents[2] / "tagserver" / "static"
SYNTAX = 2018
"""The scripts are written for browsers of that year; the minifier must not bring anything newer."""
PACKED = ("more", "keep", "pixel")
"""The second files that are packed like `t.js`."""
SECOND = (*PACKED, "preview")
"""All that a page may load besides `t.js`."""


def sources() -> dict[str, str]:
    """Name → text of each script as it was written."""
    return {name: (STATIC / f"{name}.js").read_text("utf-8") for name in ("t", *SECOND)}


def build(written: Mapping[str, str]) -> dict[str, bytes]:
    """File name → content, made of the texts of all scripts. The version of `t.js` is a hash of all the rest of it, and
    thereby of what it loads: an address that was served once never holds anything else."""
    minify.config({"js-version": SYNTAX})
    found = {f"{name}.min.js": minify.string("text/javascript", written[name]).encode() for name in ("t", *PACKED)}
    # Who runs `t.js` by its hash runs nothing else: it names more.js, which names the others.
    for name in ("keep", "pixel", "preview"):
        served = found.get(f"{name}.min.js", written[name].encode())
        found["more.min.js"] = _named(found["more.min.js"], f"hash of {name}", integrity(served))
    script = _named(found["t.min.js"], "hash of more", integrity(found["more.min.js"]))
    version = hashlib.sha256(script).hexdigest()[:12]
    found["t.min.js"] = _named(script, "unbuilt", version)
    for name, content in list(found.items()):
        found[f"{name}.gz"] = zopfli.gzip.compress(content, numiterations=100)
        found[f"{name}.br"] = brotli.compress(content, mode=brotli.MODE_TEXT)
    return found


def integrity(content: bytes) -> str:
    """As in the attribute of that name. The shortest kind that there is: it stands in `t.js`."""
    return f"sha256-{base64.b64encode(hashlib.sha256(content).digest()).decode()}"


def _named(script: bytes, what: str, value: str) -> bytes:
    """With a value in the place of the text that stands for it."""
    old, new = (f'"{text}"'.encode() for text in (what, value))
    assert script.count(old) == 1, f"a script says {old.decode()} once"
    return script.replace(old, new)


def main() -> None:
    """Write the files."""
    for name, content in build(sources()).items():
        (STATIC / name).write_bytes(content)
        print(f"{len(content):>6} bytes  {name}")


if __name__ == "__main__":
    main()
