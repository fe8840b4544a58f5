"""What is built carries its version and commit in a file: hatchling runs this for each wheel and sdist."""

from __future__ import annotations

import importlib.util
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Note(BuildHookInterface[Any]):
    """Writes `tagserver/build.txt` into the archive, and nothing into the sources."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """`version` is `editable` for an install that runs from the checkout, which asks git itself."""
        if version == "editable":
            return
        spec = importlib.util.spec_from_file_location("version", Path(self.root, "tagserver", "system", "version.py"))
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        build = module.to_build(Path(self.root))
        self._folder = tempfile.TemporaryDirectory()
        note = Path(self._folder.name, module.NOTE)
        note.write_text(f"{build.version} {build.commit}\n", "ascii")
        build_data["force_include"][str(note)] = f"tagserver/{module.NOTE}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """The archive is written."""
        if version != "editable":
            self._folder.cleanup()
