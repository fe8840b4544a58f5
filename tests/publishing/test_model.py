"""Any row of acts against a model of five lines: what serves, what a rollback stands in for, what was published."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tagserver.publishing.serving import Refused
from tests.examples import examples

from .site import BROKEN, Site, named

TAGS = st.sampled_from("AB")


class Acts(RuleBasedStateMachine):
    """`published` are the tags of all versions, `serves` is a number, `instead_of` the draft when it was gone back
    to."""

    @initialize(mode=st.sampled_from(["auto", "manual"]))
    def begin(self, mode: str) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.site = Site(self.folder, f"reload: {mode}\n")
        self.auto = mode == "auto"
        self.site.start()
        self.site.write(named("B"))
        self.site.publish()
        self.draft = "B"
        self.published = ["A", "B"]
        self.serves = 2
        self.instead_of: str | None = None

    @property
    def tag(self) -> str:
        return self.published[self.serves - 1]

    def _publish(self) -> None:
        self.published.append(self.draft)
        self.serves, self.instead_of = len(self.published), None

    def _followed(self) -> None:
        """The server sees the files."""
        known = self.tag if self.instead_of is None else self.instead_of
        if self.auto and self.draft not in (known, BROKEN):
            self._publish()

    @rule(tag=TAGS, comment=st.sampled_from(["", "# a comment\n"]), seen=st.booleans())
    def edit(self, tag: str, comment: str, seen: bool) -> None:
        self.site.write(comment + named(tag))
        self.draft = tag
        if seen:
            self.site.look()
            self._followed()

    @rule(seen=st.booleans())
    def break_it(self, seen: bool) -> None:
        self.site.write(BROKEN)
        self.draft = BROKEN
        if seen:
            self.site.look()

    @rule()
    def publish(self) -> None:
        try:
            self.site.publish()
        except Refused:
            assert self.draft == BROKEN
            return
        if self.instead_of is not None or self.draft != self.tag:
            self._publish()

    @rule(number=st.integers(1, 4))
    def roll_back(self, number: int) -> None:
        try:
            self.site.roll_back(number)
        except Refused:
            assert number > len(self.published)
            return
        self.serves = number
        usual = number == len(self.published) and (not self.auto or self.draft == self.tag)
        self.instead_of = None if usual else self.draft

    @rule()
    def renew(self) -> None:
        self.site.renew()

    @rule(broken=st.booleans())
    def other_server_yaml(self, broken: bool) -> None:
        text = f"reload: {'auto' if self.auto else 'manual'}\n" + ("nonsense: 1\n" if broken else "debug: true\n")
        self.site.write(text, "server.yaml")
        self.site.look()
        self._followed()

    @rule()
    def restart(self) -> None:
        self.site.start()
        self._followed()

    @precondition(lambda self: hasattr(self, "site"))
    @invariant()
    def what_serves(self) -> None:
        assert self.site.tags == self.tag
        assert self.site.serves == [self.serves]
        assert [one["number"] for one in self.site.listed] == list(range(len(self.published), 0, -1))[:20]
        assert (self.site.now.serving.back is not None) == (self.instead_of is not None)

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)


TestActs = Acts.TestCase
PHASES = (Phase.reuse, Phase.generate)
"""Not made smaller: that takes minutes, and fifteen acts can be read."""
TestActs.settings = settings(max_examples=examples(80), stateful_step_count=15, deadline=None, phases=PHASES)
