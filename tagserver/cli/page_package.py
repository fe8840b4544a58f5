"""What a frontend developer gets beside the lines of a page: types, and a package that brings the script in."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

from tagserver.server.script import PageScript, stub

NAME = "tagserver-page"


def types() -> str:
    """`t.d.ts`: of `window.tagserver` and of the data layer."""
    return files("tagserver").joinpath("static", "t.d.ts").read_text("utf-8")


def package(base: str, script: PageScript) -> dict[str, str]:
    """File name → text. `base`: where browsers reach this server; `script`: the version that `fixed` means."""
    folder = files("tagserver").joinpath("static", "npm")
    found = {one.name: one.read_text("utf-8") for one in folder.iterdir() if one.is_file()}
    for word, value in (("ADDRESS", base), ("VERSION", script.version), ("INTEGRITY", script.integrity)):
        found["index.js"] = found["index.js"].replace(f'{word} = "{word}"', f"{word} = {json.dumps(value)}")
    found["index.js"] = found["index.js"].replace('"STUB";\n', stub().strip().replace("\n", "\n  ") + "\n")
    found["package.json"] = found["package.json"].replace("VERSION", script.version)
    return {**found, "t.d.ts": types()}


def is_ours(folder: Path) -> bool:
    """Whether a package may be written there: nothing is, or an earlier one. Raises OSError."""
    if not folder.exists() or not any(folder.iterdir()):
        return True
    try:
        said = json.loads((folder / "package.json").read_bytes())
    except (FileNotFoundError, ValueError):
        return False
    return isinstance(said, dict) and said.get("name") == NAME
