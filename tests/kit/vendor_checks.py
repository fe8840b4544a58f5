"""What every destination of a vendor is held to, in the words of its own tests: its examples go to its stand-in, its
answers mean what its table says, its README is true, and nothing that a page or a tag may hold makes it fail.
"""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tagserver.outgoing.field_filter import Reads
from tagserver.plugin import Built, Destination, Mode, Outcome, Payload, Response, Skip
from tagserver.testing import NOW, load_examples, make_event, make_settings, payloads_of, request_of, run_example
from tests.fast_yaml import safe_load

from .stand_in import StandIn, hollow

FACTS = ("cookies", "headers", "ip", "user_agent", "country", "region")


class VendorChecks:
    """One plugin: its destination, settings that are complete, and the vendor that its tests document."""

    def __init__(
        self, destination: type[Destination], settings: Mapping[str, Any], tests: Path, empty: Sequence[str] = ()
    ) -> None:
        """`tests`: the folder of the plugin's tests, with `vendor_rules.py` and `answers.yaml`. `empty`: places in a
        payload where the vendor wants what is empty."""
        self.empty = empty
        self.destination = destination
        self.plugin = destination()
        self.settings = settings
        self.vendor = StandIn(tests)
        self.folder = tests.parent
        self.answers = safe_load((tests / "answers.yaml").read_text())
        self.examples = list(load_examples(self.folder / "examples"))

    def chosen(self, **changes: Any) -> Any:
        """The settings, some of them changed."""
        return make_settings(self.destination, {**self.settings, **changes})

    def build(
        self, pushed: Mapping[str, Any], own: Mapping[str, Any] | None = None, mode: Mode = "send", **changes: Any
    ) -> Built:
        """One payload of what a page pushes, as the server makes it. Raises Skip."""
        facts = {"ip": "198.51.100.7", "user_agent": "Mozilla/5.0"}
        event = Reads(self.plugin.reads).view(make_event(pushed, **facts))
        return self.plugin.build(event, own or {}, self.chosen(**changes), mode)

    def sent(self, built: Sequence[Built], **changes: Any) -> tuple[Response, Sequence[Outcome]]:
        """The vendor's answer to one request for some payloads, and what it means for each."""
        payloads, settings = payloads_of(built), self.chosen(**changes)
        answer = self.vendor(request_of(self.plugin, payloads, settings))
        outcomes = self.plugin.classify(answer, payloads)
        return answer, [outcomes] * len(built) if isinstance(outcomes, Outcome) else outcomes

    def check_example(self, case: Mapping[str, Any]) -> None:
        """What goes in, what comes out, and that the vendor takes it."""
        run_example(self.destination, case, self.settings)
        if "skip" in case:
            return
        event = make_event(case["event"], **{key: case[key] for key in FACTS if key in case})
        settings = self.chosen(**case.get("settings", {}))
        built = self.plugin.build(event, case.get("parameters", {}), settings, case.get("mode", "send"))
        assert built.expires is not None
        assert built.time <= NOW < built.expires
        answer, outcomes = self.sent([built], **case.get("settings", {}))
        assert [one.kind for one in outcomes] == ["delivered"], answer.body

    def check_answer(self, case: Mapping[str, Any]) -> None:
        """One row of `answers.yaml`: `status` and `body`, to so many `payloads` (2); then `kind`, `reason`, and what
        `detail` and `warning` hold. `each`: the kinds, where the vendor names each event."""
        payloads = [Payload(f"e-{index}", "name", NOW, b"{}") for index in range(case.get("payloads", 2))]
        outcomes = self.plugin.classify(Response(case["status"], {}, case["body"].encode()), payloads)
        assert "erika" not in repr(outcomes)
        if "each" in case:
            assert not isinstance(outcomes, Outcome)
            assert [one.kind for one in outcomes] == case["each"]
            return
        assert isinstance(outcomes, Outcome)
        assert outcomes.kind == case["kind"]
        assert outcomes.reason == case.get("reason", outcomes.reason)
        assert list(outcomes.bad) == case.get("bad", [])
        assert case.get("detail", "") in outcomes.detail
        assert case.get("warning", "") in outcomes.warning
        if outcomes.kind == "paused":
            assert outcomes.detail, "a pause says what to do"

    def check_readme(self, names: Mapping[str, str]) -> None:
        """Every setting with the sentence of the code and its default, and every name of the map."""
        readme = (self.folder / "README.md").read_text()
        for field in dataclasses.fields(self.destination.Settings):
            assert f"| `{field.name}` | {field.metadata['doc']} | {_default(field)} |" in readme
        for name, theirs in names.items():
            assert f"| `{name}` | {theirs} |" in readme

    def check_total(
        self, pushed: dict[str, Any], own: dict[str, Any], mode: Mode, **changes: Any
    ) -> dict[str, Any] | None:
        """Any event, any parameters: an event that the vendor takes, the same each time, and nothing changed; or
        Skip (then None)."""
        before = repr(own), repr(pushed)
        first, second = (self._built(copy.deepcopy(pushed), own, mode, changes) for _ in range(2))
        assert (repr(own), repr(pushed)) == before
        assert first == second
        if not isinstance(first, Built):
            return None
        body: dict[str, Any] = json.loads(msgspec.json.encode(first.body))
        assert hollow(body, self.empty) is None
        answer, outcomes = self.sent([first], **changes)
        assert outcomes[0].kind == "delivered", answer.body
        return body

    def _built(
        self, pushed: dict[str, Any], own: dict[str, Any], mode: Mode, changes: dict[str, Any]
    ) -> Built | tuple[str, str]:
        try:
            return self.build(pushed, own, mode, **changes)
        except Skip as skip:
            return skip.reason, skip.detail

    def check_any_answer(self, status: int, body: bytes) -> None:
        """Any status, any bytes have a meaning; only success is a delivery, and the text is not kept."""
        for count in (1, 3):
            payloads = [Payload(f"e-{index}", "name", NOW, b"{}") for index in range(count)]
            outcomes = self.plugin.classify(Response(status, {}, body), payloads)
            each = [outcomes] if isinstance(outcomes, Outcome) else outcomes
            assert isinstance(outcomes, Outcome) or len(each) == count
            for outcome in each:
                assert isinstance(outcome, Outcome)
                assert outcome.kind != "delivered" or 200 <= status < 300 or status == 422
                assert outcome.kind != "paused" or outcome.detail


def _default(field: dataclasses.Field[Any]) -> str:
    """As the READMEs write defaults."""
    if field.default_factory is not dataclasses.MISSING:
        made = field.default_factory()
        return ", ".join(f"`{one}`" for one in made) if isinstance(made, list) else ""
    if field.default is dataclasses.MISSING:
        return "needed"
    if field.default is None:
        return ""
    return f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`"
