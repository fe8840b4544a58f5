"""The rules of a kind of variable: pure, and total, since what it is given comes from anybody."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from tagserver.event.event import MISSING
from tagserver.plugin import Variable
from tagserver.plugin.fault import PluginFailed
from tagserver.plugin.values import sendable
from tagserver.plugin.variable import variable_fault
from tagserver.testing.building import slow_faults, timed
from tagserver.testing.shut import Fault, Shut, raised, sentences, shut

ODD: tuple[tuple[str, Any], ...] = (
    ("an empty text", ""),
    ("blanks", "  \t"),
    ("a text", "Erika"),
    ("a long text", "x" * 5000),
    ("an emoji and a NUL", "👩‍🚀\0"),
    ("half a surrogate pair", "\ud800"),
    ("digits", "12.50"),
    ("zero", 0),
    ("a number", -1.5),
    ("a number that is none", float("nan")),
    ("a huge number", 10**40),
    ("true", True),
    ("null", None),
    ("an empty list", []),
    ("a list", ["a", 1, None, {}]),
    ("an empty map", {}),
    ("a map", {"a": {"b": [1]}}),
)
"""What pages push, each with its name."""
_NOTHING = object()


def check_variable(variable: type[Variable], inputs: Mapping[str, Any] | None = None) -> list[str]:
    """What is wrong with a kind of variable, as sentences; an empty list when it keeps the rules.

    It states its version, type and inputs, with a sentence each. It gives the same for the same inputs, whatever it was
    given before, plain data or MISSING, for inputs of any kind and for none; raises nothing, does not use the network,
    and takes no longer than an event may. `inputs`: some for which it has a value.
    """
    if (fault := variable_fault(variable)) is not None:
        return [fault]
    check = _Check(variable)
    if check.made is not None:
        check.run(inputs)
    return list(dict.fromkeys((*_stated(variable), *sentences((*check.faults, *slow_faults("value", check.spent))))))


def _stated(variable: type[Variable]) -> Iterator[str]:
    if not any("api_version" in vars(cls) for cls in variable.__mro__ if cls not in (Variable, object)):
        yield "`api_version` is not stated: the version of tagserver.plugin it is written for"
    if not (variable.__doc__ or "").strip() or variable.__doc__ == Variable.__doc__:
        yield "it has no docstring: its first line is what people see in `tagserver plugins show`"
    for name, sentence in variable.inputs.items():
        if not sentence.strip():
            yield f"the input {name} has no sentence that says what it is"


class _Check:
    """Calls `value`, and notes what is wrong in `faults`, and in `spent` the seconds of work of each call."""

    def __init__(self, variable: type[Variable]) -> None:
        self.faults: list[Fault] = []
        self.spent: list[float] = []
        self.made: Variable | None = None
        self._names = list(variable.inputs)
        try:
            with shut(variable, "the class, when it is made,", self.faults):
                self.made = variable()
        except Shut:
            pass  # and it is noted
        except PluginFailed as failed:
            self.faults.append(raised("making the class", failed))

    def run(self, inputs: Mapping[str, Any] | None) -> None:
        """All inputs that there are."""
        given = dict(inputs or {})
        if unknown := [name for name in given if name not in self._names]:
            self.faults.append(Fault(f"it has no input {unknown[0]}: known are {', '.join(self._names)}"))
        first = self._value(given, "the inputs of the check" if given else "no input")
        if given and (first is MISSING or first is None):
            self.faults.append(Fault("it has no value for the inputs of the check"))
        for what, odd in ODD:
            for name in self._names:
                self._value({**given, name: odd}, f"{name} as {what}")
            if len(self._names) > 1:
                self._value(dict.fromkeys(self._names, odd), f"all inputs as {what}")
        for name in given:
            self._value({one: value for one, value in given.items() if one != name}, f"no {name}")
        again = self._value(given, "the inputs of the check")
        if first is not _NOTHING and again is not _NOTHING and not _same(first, again):
            self.faults.append(
                Fault("value remembers what it was given before: the same inputs give something else later")
            )

    def _value(self, given: Mapping[str, Any], what: str) -> Any:
        """The value, asked for twice; _NOTHING where there is none to speak of."""
        assert self.made is not None
        values = []
        for _ in range(2):
            try:
                with shut(self.made, "value", self.faults), timed(self.spent):
                    values.append(self.made.value(copy.deepcopy(dict(given))))
            except Shut:
                return _NOTHING  # and it is noted
            except PluginFailed as failed:
                self.faults.append(raised("value", failed, what, "give MISSING for what does not fit"))
                return _NOTHING
        first, second = values
        # What it is given may be no plain data itself, and may be handed on: the host looks at that.
        if first is not MISSING and not sendable(first) and all(map(sendable, given.values())):
            says = f"value gives {type(first).__name__} for {{}}, which JSON cannot hold: give plain data, or MISSING"
            self.faults.append(Fault(says, what))
            return _NOTHING
        if not _same(first, second):
            self.faults.append(Fault("value gives different results for {}", what))
        return first


def _same(first: Any, second: Any) -> bool:
    return first is second or repr(first) == repr(second)
