"""Builds what is served of the page's script: `python -m tests.browser.build`, after each change of `t.js`.

The result is part of the source (`server/script.py` says why); `test_build.py` sees to it that it is fresh.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import brotli
import minify
import zopfli.gzip

STATIC = Path(__file__).parents[2] / "tagserver" / "static"
UNBUILT = b'version:"unbuilt"'
SYNTAX = 2018
"""The script is written for browsers of that year; the minifier must not bring anything newer."""


def build(source: str) -> dict[str, bytes]:
    """File name → content, made of the text of `t.js`. The version is a hash of all the rest of the script: an address
    that was served once never holds anything else."""
    minify.config({"js-version": SYNTAX})
    short = minify.string("text/javascript", source).encode()
    assert short.count(UNBUILT) == 1, f"t.js says {UNBUILT.decode()} once"
    version = hashlib.sha256(short).hexdigest()[:12]
    script = short.replace(UNBUILT, UNBUILT.replace(b"unbuilt", version.encode()))
    return {
        "t.min.js": script,
        "t.min.js.gz": zopfli.gzip.compress(script, numiterations=100),
        "t.min.js.br": brotli.compress(script, mode=brotli.MODE_TEXT),
    }


def main() -> None:
    """Write the files."""
    for name, content in build((STATIC / "t.js").read_text("utf-8")).items():
        (STATIC / name).write_bytes(content)
        print(f"{len(content):>6} bytes  {name}")


if __name__ == "__main__":
    main()
