"""What is noted while pytest runs: the first test that fails, or, without a change, which functions each test calls."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Collection
from types import CodeType, FrameType
from typing import Any

import pytest


class Witness:
    """Of a run with a change: notes the first test that fails, begins with the tests that are likely to, and ends the
    process when one takes longer than `limit` seconds. `likely`: their ids; `alone`: no others are run."""

    def __init__(self, likely: Collection[str], limit: float, *, alone: bool) -> None:
        self.by = ""
        self._likely, self._limit, self._alone = likely, limit, alone

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        first = [one for one in items if one.nodeid in self._likely]
        rest = [one for one in items if one.nodeid not in self._likely]
        if self._alone and first:
            config.hook.pytest_deselected(items=rest)
            rest = []
        items[:] = first + rest

    def pytest_runtest_logstart(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, self._limit)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.by = self.by or report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.by = self.by or f"{report.nodeid} cannot be imported"


class Calls:
    """Of a run without a change: notes which functions of some files each test calls, in any thread, and how long the
    slowest took. What is called while tests are collected belongs to all of them."""

    def __init__(self, files: Collection[str]) -> None:
        self._files = frozenset(files)
        self._codes: dict[int, CodeType] = {}
        """Codes that were seen, kept so that no other one gets the same id."""
        self._ours: set[int] = set()
        self._called: set[int] = set()
        self._began = 0.0
        self.by_test: dict[str, list[str]] = {}
        self.slowest = 0.0

    def pytest_runtest_logstart(self) -> None:
        self._began = time.monotonic()
        self._called = set()
        sys.setprofile(self._note)
        threading.setprofile(self._note)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        sys.setprofile(None)
        self.slowest = max(self.slowest, time.monotonic() - self._began)
        called = [self._codes[one] for one in self._called.copy()]
        self.by_test[nodeid] = sorted({function(code.co_filename, code.co_qualname) for code in called})

    def _note(self, frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            code = frame.f_code
            one = id(code)
            if one not in self._codes:
                self._codes[one] = code
                if code.co_filename in self._files:
                    self._ours.add(one)
            if one in self._ours:
                self._called.add(one)


def function(path: str, unit: str) -> str:
    """One name for a function, and for all that is within it."""
    return f"{path}:{unit.partition('.<locals>')[0].partition('#')[0]}"
