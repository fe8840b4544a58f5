"""Whose code runs: the plugin that a stack is in, and its line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import FrameType

from tagserver.plugin import Destination, Variable

OURS = "tagserver"
UNKNOWN = "unknown"
"""Stands for a plugin's name where nobody could look."""


class Culprit:
    """Knows the plugins by their modules. `packages`: a module, or the package that it is in → the plugin's name; the
    longest that fits counts."""

    def __init__(self, packages: Mapping[str, str]) -> None:
        self._packages = packages

    def of(self, frame: FrameType | None) -> tuple[str, str]:
        """The innermost plugin of a stack, or ourselves, and where it stands. What a plugin calls is the plugin's: a
        library, a base class of another package. Where one module has several plugins, it is that whose method runs."""
        frames = list(_outwards(frame))
        for index, one in enumerate(frames):
            module = str(one.f_globals.get("__name__", ""))
            if module.partition(".")[0] == OURS:
                continue
            name = _of_method(one) or self._of_module(module)
            if name is not None:
                callers = map(_of_method, frames[index:])
                exact = next((caller for caller in callers if caller in name.split(OR)), None)
                return exact or name, _place(one)
        return OURS, _place(frames[0]) if frames else ""

    def _of_module(self, module: str) -> str | None:
        while module:
            if module in self._packages:
                return self._packages[module]
            module = module.rpartition(".")[0]
        return None


OR = " or "
"""Between the names of several plugins that share a module."""


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _of_method(frame: FrameType) -> str | None:
    """The type of the destination or kind of variable whose method a frame is."""
    code = frame.f_code
    if not code.co_argcount:
        return None
    owner = type(frame.f_locals.get(code.co_varnames[0]))
    kind = getattr(owner, "type", None) if issubclass(owner, Destination | Variable) else None
    if not isinstance(kind, str):
        return None
    return variable_name(kind) if issubclass(owner, Variable) else kind


def variable_name(kind: str) -> str:
    """What a kind of variable is called among destinations."""
    return f"variable {kind}"


def _place(frame: FrameType) -> str:
    return f"{frame.f_code.co_filename.rpartition('/')[2]}:{frame.f_lineno} in {frame.f_code.co_name}"
