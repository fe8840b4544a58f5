"""The rules and the dashboard of the documentation: Prometheus takes them, they fire when they should, and everything
that they name is there."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tagserver.metrics.labels import CLASSES, STATES
from tagserver.metrics.meters import Meters, Picture
from tagserver.pipeline.route import route
from tagserver.queue.values import Counts, Receipt, Room
from tagserver.testing import make_event
from tests.fast_yaml import safe_load

from .pages import REFERENCE, ROOT, blocks, names, rows
from .world import DESTINATIONS, TAGS, TRIGGERS, load

PAGE = ROOT / "config" / "operate" / "alerts.md"
SCRAPE, RULES = (block.text for block in blocks(PAGE, language="yaml"))
(DASHBOARD,) = (block.text for block in blocks(PAGE, language="json"))
ALERTS: list[dict[str, Any]] = [rule for group in safe_load(RULES)["groups"] for rule in group["rules"]]
BOARD: dict[str, Any] = json.loads(DASHBOARD)
PANELS: list[dict[str, Any]] = BOARD["panels"]
LONGEST = 200
"""Lines of the dashboard."""
OF_PROMETHEUS = {"up"}
OUTCOMES = ("ok", "failed", "throttled", "paused")

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool comes with Debian's package prometheus"
)


def promtool(*words: str, folder: Path) -> None:
    """It must find nothing."""
    done = subprocess.run(["promtool", *words], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def expressions() -> Iterator[Any]:
    """Of the rules and of the dashboard, with what is shown beside it."""
    for rule in ALERTS:
        yield pytest.param(rule["expr"], rule["annotations"]["summary"], id=rule["alert"])
    for panel in PANELS:
        for target in panel.get("targets", ()):
            yield pytest.param(target["expr"], target.get("legendFormat", ""), id=f"{panel['id']}{target['refId']}")


def shown_metrics() -> dict[str, set[str]]:
    """Each metric of a server that has met everything, with the names of its labels."""
    meters = Meters()
    meters.answered(202, 0.1)
    meters.refused("admin_later")
    meters.forwarded(None)
    meters.blocked("slow")
    meters.withdrawn("browser")
    meters.repeated("meta", Receipt("event"))
    for outcome in OUTCOMES:
        meters.sent("meta", outcome, 0.1)
    container = load({"container.yaml": DESTINATIONS + TRIGGERS + TAGS}).container
    assert container is not None
    meters.routed([route(container, make_event({"event": "purchase"}))])
    dead = Counts(accepted=1, dead=1, dead_by_reason={"expired": 1})
    died = {("meta", "rejected", "100"): 1}
    picture = Picture(
        "1",
        {"meta": dead},
        {"meta": "ok"},
        {"meta": 1.0},
        Room(0, 1),
        held_ended={"granted": 1},
        dead_lettered=died,
    )
    text = meters.text(picture)
    found: dict[str, set[str]] = {name: set() for name in re.findall(r"^# TYPE (\w+) ", text, re.MULTILINE)}
    for name, labels in re.findall(r"^(\w+?)(?:_bucket|_sum|_count)?(?:\{(.*)\})? \S+$", text, re.MULTILINE):
        found.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))
    return found | {"tagserver_variable_failures_total": {"variable"}}


METRICS = shown_metrics()


def named_in(expression: str) -> list[str]:
    """The metrics of an expression, without the endings of a histogram's parts."""
    found = re.findall(r"\b(?:up|tagserver_\w+|process_\w+)\b(?=[\s{\[)]|$)", expression)
    return [re.sub(r"_(bucket|sum|count)$", "", name) for name in found]


@pytest.mark.parametrize(("expression", "beside"), list(expressions()))
def test_what_is_asked_for_exists(expression: str, beside: str) -> None:
    """Metrics, their labels, and the values that these are compared with."""
    metrics = [name for name in named_in(expression) if name not in OF_PROMETHEUS]
    assert set(metrics) <= METRICS.keys()
    assert metrics or "up" in expression
    labels = {"instance", "job", "le"}.union(*(METRICS[name] for name in metrics))
    for listed in re.findall(r"\b(?:by|on) \(([^)]*)\)", expression):
        assert set(listed.split(", ")) <= labels
    assert set(re.findall(r"{{ ?(?:\$labels\.)?(\w+) ?}}", beside)) <= labels
    for label, value in re.findall(r'(\w+)=~?"([^"]*)"', expression):
        assert label in labels
        known = {"state": STATES, "class": CLASSES.values(), "outcome": OUTCOMES, "job": ("tagserver",)}.get(label)
        if label == "reason":
            described = [row[1] for row in rows(REFERENCE, "## Metrics") if names(row[0])[0] in metrics]
            known = tuple(name for cell in described for name in names(cell))
        if known is not None:
            assert set(value.split("|")) <= set(known)


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_each_alert_says_what_is_so_and_what_to_do(rule: dict[str, Any]) -> None:
    """And leads to a heading of a page that is there."""
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert "for" in rule
    assert re.fullmatch(r"[A-Z{t].*\.", rule["annotations"]["summary"])
    path, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    titles = _titles(PAGE.parent / path)
    assert anchor in {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def _titles(page: Path) -> list[str]:
    return re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)


def test_names_are_used_once() -> None:
    assert len({rule["alert"] for rule in ALERTS}) == len(ALERTS)


@needs_promtool
def test_prometheus_takes_the_rules_and_they_fire(tmp_path: Path) -> None:
    """When they should, and not when all is well."""
    (tmp_path / "tagserver.rules.yml").write_text(RULES)
    promtool("check", "rules", "tagserver.rules.yml", folder=tmp_path)
    files = [path.name for path in Path(__file__).parent.glob("alerts*.test.yml")]
    assert len(files) == 2
    for name in files:
        shutil.copy(Path(__file__).parent / name, tmp_path)
    promtool("test", "rules", *files, folder=tmp_path)


@needs_promtool
def test_prometheus_takes_the_scrape(tmp_path: Path) -> None:
    """With a token that is there."""
    (tmp_path / "token").write_text("x")
    (tmp_path / "tagserver.rules.yml").write_text(RULES)
    (tmp_path / "prometheus.yml").write_text(SCRAPE.replace("/etc/prometheus/tagserver-token", str(tmp_path / "token")))
    promtool("check", "config", "prometheus.yml", folder=tmp_path)


@needs_promtool
def test_prometheus_takes_what_the_dashboard_asks(tmp_path: Path) -> None:
    """Each expression, as Grafana sends it."""
    asked = [target["expr"] for panel in PANELS for target in panel.get("targets", ())]
    filled = [text.replace("$__rate_interval", "5m").replace("$instance", ".*") for text in asked]
    recorded = [{"record": f"asked:{number}", "expr": text} for number, text in enumerate(filled)]
    (tmp_path / "asked.yml").write_text(yaml.safe_dump({"groups": [{"name": "asked", "rules": recorded}]}))
    promtool("check", "rules", "asked.yml", folder=tmp_path)


def test_grafana_can_load_the_dashboard() -> None:
    """What Grafana wants of a dashboard: a schema, a data source to choose, panels with ids of their own that do not
    lie on each other."""
    assert DASHBOARD.count("\n") <= LONGEST
    assert isinstance(BOARD["schemaVersion"], int)
    variables = {one["name"]: one["type"] for one in BOARD["templating"]["list"]}
    assert variables == {"datasource": "datasource", "instance": "query"}
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    cells: set[tuple[int, int]] = set()
    for panel in PANELS:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        mine = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not mine & cells
        cells |= mine
        if panel["type"] != "row":
            assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
            assert panel["targets"]
    assert [panel["title"] for panel in PANELS if panel["type"] == "row"] == [
        "Intake",
        "Queue",
        "Destinations",
        "Dead letters and duplicates",
        "Process",
    ]
