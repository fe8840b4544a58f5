"""The destination of the guide for authors, installed."""

from __future__ import annotations

import tomllib
from pathlib import Path

from .pages import PLUGINS, blocks


def install_acme(site: Path) -> str:
    """The page's first block, as pip would do it: a package, and the entry point of the page's pyproject.toml. The name
    of its module."""
    (project,) = (tomllib.loads(block.text)["project"] for block in blocks(PLUGINS, language="toml"))
    ((name, module),) = project["entry-points"]["tagserver"].items()
    (site / module).mkdir(parents=True)
    (site / module / "__init__.py").write_text(next(blocks(PLUGINS, language="python")).text)
    info = site / f"{module}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    (info / "entry_points.txt").write_text(f"[tagserver]\n{name} = {module}\n")
    found: str = module
    return found
