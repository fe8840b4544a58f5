"""What comes out of a plugin's code when it fails: one exception, with the error's class and the plugin's own line; and
whose code it is that runs.

A plugin runs in our process, so whatever Python can raise can come out of any of its lines: a library's `sys.exit()`, a
`KeyboardInterrupt`, a `GeneratorExit`, a `StopIteration` that went astray. None of them may end the server, or be taken
for something of ours. Every call of plugin code therefore goes through here, and what it raises is a `PluginFailed`.

What is not the plugin's fault:

* MemoryError: nobody's, and nothing may be promised.
* Ctrl-C. Python raises it in whatever line runs, a plugin's too. In a server nobody raises it: `serve` hears SIGINT as
  an event of its loop. Commands raise `Interrupted` for it (`cli/interrupt.py`); a plain KeyboardInterrupt is the
  plugin's own.
* Being cancelled, of what is awaited; `delivery/awaiting.py` tells that apart. What is not awaited cannot be
  cancelled: a CancelledError that comes out of it is the plugin's.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from types import FrameType, FunctionType, MethodType, TracebackType
from typing import Any, cast

from tagserver.plugin import Destination, Variable
from tagserver.plugin.client import Client

LONGEST = 60
"""Characters of a class's name that are shown."""
NAMELESS = "an error that cannot be looked at"
_NOT_THEIRS = frozenset({"tagserver", "httpx", "msgspec", "pluggy", *sys.stdlib_module_names})


class Interrupted(KeyboardInterrupt):
    """Somebody has pressed Ctrl-C."""


class PluginFailed(Exception):
    """A plugin's code has raised, or given what breaks the contract. Its text is a sentence for people. Of what was
    raised `error` is the class and `place` the plugin's own line (`destination.py:41`), where it is known. The error's
    text may hold an event's data and is in none of them."""

    def __init__(self, sentence: str, error: str = "", place: str = "") -> None:
        super().__init__(sentence)
        self.error = error
        self.place = place

    @property
    def cause(self) -> str:
        """What a longer sentence may say of it: `KeyError at destination.py:41`."""
        return _at(self.error, self.place) if self.error else str(self)


def failed(error: BaseException, owner: object, what: str) -> PluginFailed:
    """What to raise (`from error`) for something that came out of plugin code; raises `error` again where it is not the
    plugin's fault. `owner`: the plugin's object, class or function, or the name of its package."""
    kind = type(error)  # what it says of its class itself may be anything
    if issubclass(kind, MemoryError | Interrupted):
        raise error
    if issubclass(kind, PluginFailed):
        return cast("PluginFailed", error)
    name, place = _looked_at(error, owner)
    return PluginFailed(f"{what} fails with {_at(name, place)}", name, place)


class PluginCode:
    """For a `with` around plugin code that is not called for each event. Raises PluginFailed; `passing`: what the
    contract lets it raise."""

    __slots__ = ("_owner", "_passing", "_what")

    def __init__(self, owner: object, what: str, *passing: type[BaseException]) -> None:
        self._owner = owner
        self._what = what
        self._passing: tuple[type[BaseException], ...] = (PluginFailed, *passing)

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None and error is not None and not issubclass(kind, self._passing):
            raise failed(error, self._owner, self._what) from error


def own_line(frame: FrameType | None, owner: object) -> str:
    """The innermost line of a plugin that is running (`destination.py:41`), empty where there is none."""
    packages = _packages(owner)
    while frame is not None:
        if _package(frame.f_globals.get("__name__")) in packages:
            return f"{frame.f_code.co_filename.rpartition('/')[2]}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


def _at(error: str, place: str) -> str:
    return f"{error} at {place}" if place else error


def _looked_at(error: BaseException, owner: object) -> tuple[str, str]:
    """The error's class and the plugin's line. A class of a plugin's own may make properties of all that is asked."""
    try:
        return _name(error), _place(error, owner)
    except BaseException:
        return NAMELESS, ""


def _name(error: BaseException) -> str:
    return "".join(sign for sign in type(error).__name__ if sign.isprintable())[:LONGEST]


def _place(error: BaseException, owner: object) -> str:
    """The innermost line that is the plugin's own, not a library's it calls; without one, the innermost that is neither
    ours nor Python's."""
    packages = _packages(owner)
    # Of a StopIteration out of a generator Python makes another error, which knows no line: it is the cause that does.
    for cause in (error, error.__cause__):
        own = other = None
        step = cause.__traceback__ if cause is not None else None
        while step is not None:
            package = _package(step.tb_frame.f_globals.get("__name__"))
            if package in packages:
                own = step
            elif package not in _NOT_THEIRS:
                other = step
            step = step.tb_next
        if (found := own or other) is not None:
            return f"{found.tb_frame.f_code.co_filename.rpartition('/')[2]}:{found.tb_lineno}"
    return ""


def _packages(owner: object) -> set[str]:
    """The top packages whose lines are the plugin's: those of its class, and of the classes that it builds on."""
    if type(owner) is str:
        return {owner}
    # A class may do anything when it is asked for an attribute: `type` looks without asking it.
    cls: Any = owner if issubclass(type(owner), type) else type(owner)
    modules = [type.__getattribute__(one, "__module__") for one in type.__getattribute__(cls, "__mro__")]
    if type(owner) in (FunctionType, MethodType):
        modules.append(owner.__module__)
    return {_package(module) for module in modules} - _NOT_THEIRS


def _package(module: object) -> str:
    return module.partition(".")[0] if isinstance(module, str) else ""


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
                return exact or name, _line_of(one)
        return OURS, _line_of(frames[0]) if frames else ""

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
    """The type of the destination, kind of variable or client whose method a frame is."""
    code = frame.f_code
    if not code.co_argcount:
        return None
    owner = type(frame.f_locals.get(code.co_varnames[0]))
    kind = getattr(owner, "type", None) if issubclass(owner, Destination | Variable | Client) else None
    if not isinstance(kind, str):
        return None
    if issubclass(owner, Client):
        return client_name(kind)
    return variable_name(kind) if issubclass(owner, Variable) else kind


def variable_name(kind: str) -> str:
    """What a kind of variable is called among destinations."""
    return f"variable {kind}"


def client_name(kind: str) -> str:
    """What an inbound client is called among destinations."""
    return f"client {kind}"


def _line_of(frame: FrameType) -> str:
    return f"{frame.f_code.co_filename.rpartition('/')[2]}:{frame.f_lineno} in {frame.f_code.co_name}"
