"""What a plugin's method may ask for beside its arguments: it gets what it declares a parameter for, and nothing else.

So a method that was written before something could be asked for goes on as it is.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeVar

Result = TypeVar("Result")
POSSIBLE = frozenset({"now", "batch_id", "data_folder"})
"""What may be asked for."""


@lru_cache(maxsize=1024)
def declared(function: Callable[..., Any]) -> frozenset[str]:
    """Those of `POSSIBLE` that a function has a parameter for; looked up once for each function."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):  # something built in
        return frozenset()
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return frozenset(name for name in POSSIBLE & parameters.keys() if parameters[name].kind in by_name)


def call(method: Callable[..., Result], known: Mapping[str, Any], *arguments: Any) -> Result:
    """Call a method with its arguments and with what it declares of what is known."""
    names = declared(getattr(method, "__func__", method))
    return method(*arguments, **{name: known[name] for name in names if name in known})
