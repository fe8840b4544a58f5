"""YAML of the tests' own tables, read and written by libyaml where PyYAML has it: an eighth of the time."""

from __future__ import annotations

from typing import Any

import yaml

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def safe_load(text: str) -> Any:
    """As `yaml.safe_load`."""
    return yaml.load(text, Loader=_Loader)


def safe_dump(tree: Any, **how: Any) -> str:
    """As `yaml.safe_dump`."""
    return str(yaml.dump(tree, Dumper=_Dumper, **how))
