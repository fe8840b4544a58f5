"""`tagserver test`: cases that pass, fail for the right cause, and say where they stand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from tagserver.cli import main

from ..processes import ends_with_parent

ROOT = Path(__file__).parents[2]
ENVIRON = {"META_PIXEL_ID": "1", "META_ACCESS_TOKEN": "a-secret-token", "CRM_KEY": "k"}
CONTAINER = """
destinations:
  meta: {type: meta_capi, pixel_id: "1", access_token: "${env:META_ACCESS_TOKEN}"}
triggers:
  purchase: {event: purchase}
  lead: {event: lead}
  internal: {when: {page.host: intern.example}}
tags:
  - {name: Purchase, destination: meta, triggers: [purchase], exceptions: [internal]}
  - {name: Lead, destination: meta, triggers: [lead]}
"""
GOOD = """
- name: a purchase
  event: {event: purchase, user_id: u, value: 5, currency: EUR}
  consent: granted
  expect: {send: [Purchase], skip: {Lead: no_trigger}, request: {meta: {data.0.custom_data.value: 5}}}
"""


def run(folder: Path, cases: str | None, *words: str, server: str | None = None) -> Result:
    """The command on a container and some cases."""
    config = folder / "config"
    config.mkdir(exist_ok=True)
    (config / "container.yaml").write_text(CONTAINER)
    if server is not None:
        (config / "server.yaml").write_text(server)
    if cases is not None:
        (config / "shop.test.yaml").write_text(cases)
    return CliRunner().invoke(main, ["test", "--config", str(config), *words], env=ENVIRON, catch_exceptions=False)


def test_a_case_that_holds(tmp_path: Path) -> None:
    result = run(tmp_path, GOOD)
    assert result.exit_code == 0
    assert "1 passed" in result.output
    assert "triggers lead, internal" in result.output


def test_the_example_configuration_passes_its_own_cases() -> None:
    words = ["test", "--config", str(ROOT / "config"), "--consent-matrix", "--json"]
    result = CliRunner().invoke(main, words, env=ENVIRON)
    said = json.loads(result.output)
    assert (result.exit_code, said["ok"], said["failed"]) == (0, True, [])
    assert said["untouched"].keys() == {"tags", "triggers", "rows"}
    assert (said["untouched"]["tags"], said["untouched"]["triggers"]) == ([], [])


PURCHASE = "- {name: x, event: {event: purchase, user_id: u, value: 5, currency: EUR}, consent: granted, expect: E}\n"


@pytest.mark.parametrize(
    ("expect", "says"),
    [
        ("{send: [Lead]}", "expected send of Lead, but it is skip because of no_trigger"),
        (
            "{block: [Purchase]}",
            "expected block of Purchase, but it is send (trigger purchase); it needs ad_storage (is granted), ad_user",
        ),
        (
            "{skip: {Purchase: exception}}",
            'but it is send (trigger purchase); exception internal: page.host equals "intern.example", is missing',
        ),
        ("{skip: {Lead: exception}}", 'it is skip because of no_trigger (lead: event equals "lead", is "purchase")'),
        ("{skip: {Purchase: no_trigger}}", 'trigger purchase holds: event is "purchase"'),
        ("{restrict: [Purchase]}", "ad_user_data (is granted)"),
        ("{send: {Purchase: lead}}", 'expected send of Purchase ("lead"), but it is send (trigger purchase)'),
        (
            "{skip: {Lead: {reason: no_trigger, detail: purchases}}}",
            'skip of Lead because of no_trigger ("purchases"), but it is skip because of no_trigger (lead: event',
        ),
        ("{skip: {Purchase: consent}}", "expected skip of Purchase because of consent, but it is send"),
        ("{skip: {Lead: consent}}", "expected skip of Lead because of consent, but it is skip because of no_trigger"),
        ("{silent: true}", "expected silence, but Purchase"),
        ("{request: {meta: {data.0.custom_data.value: 6}}}", "data.0.custom_data.value is 5, and should be 6"),
        ("{request: {meta: {data.0.nothing: 6}}}", "data.0.nothing is not there, and should be 6; there: event_name, "),
        ("{request: {meta: {event_name: x}}}", 'event_name is not there, and should be "x"; there: data'),
    ],
)
def test_a_case_that_fails_says_what_is_and_where(tmp_path: Path, expect: str, says: str) -> None:
    result = run(tmp_path, PURCHASE.replace("expect: E", f"expect: {expect}"))
    assert result.exit_code == 1
    assert says in result.output
    assert "shop.test.yaml:" in result.output


INTERNAL = "page: {location: 'https://intern.example/'}"
DENIED = "consent: {ad_storage: granted, ad_user_data: denied, ad_personalization: granted}"


@pytest.mark.parametrize(
    ("event", "consent", "expect"),
    [
        ("", "", "send: {Purchase: purchase}, skip: {Lead: {reason: no_trigger, detail: lead}}"),
        (INTERNAL, "", "skip: {Purchase: {reason: exception, detail: internal}}"),
        (INTERNAL, "", "skip: {Purchase: exception}"),
        ("", DENIED, "block: {Purchase: ad_user_data}"),
        ("", DENIED, "skip: {Purchase: {reason: consent, detail: ad_user_data}}"),
        (
            "",
            "consent: {ad_storage: granted, ad_user_data: granted, ad_personalization: denied}",
            "restrict: {Purchase: ad_personalization}",
        ),
    ],
)
def test_which_trigger_exception_and_purpose(tmp_path: Path, event: str, consent: str, expect: str) -> None:
    """The detail can be asserted: a case does not pass for another exception, trigger or purpose than is meant."""
    pushed = f"event: purchase, user_id: u, value: 5, currency: EUR, {event}"
    consent = consent or "consent: granted"
    case = f"- {{name: x, event: {{{pushed}}}, {consent}, expect: {{{expect}}}}}\n"
    result = run(tmp_path, case)
    assert result.exit_code == 0, result.output


def test_another_purpose_than_is_meant(tmp_path: Path) -> None:
    case = PURCHASE.replace("consent: granted", DENIED).replace("E}", "{block: {Purchase: ad_storage}}}")
    result = run(tmp_path, case)
    assert result.exit_code == 1
    assert (
        'block of Purchase ("ad_storage"), but it is block because of consent (needs ad_user_data, is' in result.output
    )


@pytest.mark.parametrize(
    ("cases", "says"),
    [
        ("- {name: x, event: {event: p}, expect: {skip: {Purchase: {detail: internal}}}}", "needs reason"),
        (
            "- {name: x, event: {event: p}, expect: {skip: {Purchase: {reason: exception, detail: intern}}}}",
            'did you mean "internal"?',
        ),
        ("- {name: x, event: {event: p}, expect: {skip: {Lead: {reason: exception, detail: x}}}}", "it has none"),
        ("- {name: x, event: {event: p}, expect: {block: {Purchas: x}}}", 'did you mean "Purchase"?'),
        ("- {name: x, event: {event: p}}", "expect"),
        ("- {name: x, event: {event: p}, expect: {}}", "the case cannot fail"),
        ("- {name: x, event: {event: p}, expect: {sends: [Purchase]}}", 'did you mean "send"?'),
        ("- {name: x, event: {event: p}, expect: {send: [Purchas]}}", 'did you mean "Purchase"?'),
        ("- {name: x, event: {event: p}, expect: {skip: {Purchase: becuase}}}", "becuase"),
        ("- {name: x, event: {event: p}, expect: {request: {mata: {}}}}", 'did you mean "meta"?'),
        ("- {name: x, event: {event: p}, expect: {fired: [Purchase]}}", 'did you mean "send"?\n\n1 error in'),
        ("- {name: x, event: purchase, expect: {silent: true}}", "event should be a map, and is text"),
        ("- {name: x, event: {event: p}, request: [1], expect: {silent: true}}", "request should be a map"),
        ("name: x", "a list of cases"),
        ("- [", "E101"),
    ],
)
def test_a_file_that_is_wrong_is_a_problem_with_its_place(tmp_path: Path, cases: str, says: str) -> None:
    result = run(tmp_path, cases)
    assert result.exit_code == 1
    assert "shop.test.yaml:" in result.output
    assert says in result.output


def test_a_question_that_is_wrong_fails_its_case_alone(tmp_path: Path) -> None:
    bad = "- {name: odd, event: {event: lead}, request: {sauce: x}, expect: {silent: true}}\n"
    result = run(tmp_path, bad + GOOD)
    assert result.exit_code == 1
    assert "sauce" in result.output
    assert "1 passed, 1 failed" in result.output


def test_time_and_minted_ids_are_fixed(tmp_path: Path) -> None:
    case = """
- name: no id, no time
  event: {event: lead, user_id: u}
  consent: granted
  expect:
    request: {meta: {data.0.event_id: 00000000-0000-7000-8000-000000000001, data.0.event_time: 1767225600}}
"""
    assert run(tmp_path, case).exit_code == 0


def test_only_some(tmp_path: Path) -> None:
    other = "- {name: another, event: {event: lead, user_id: u}, consent: granted, expect: {block: [Lead]}}\n"
    assert run(tmp_path, GOOD + other).exit_code == 1
    assert run(tmp_path, GOOD + other, "-k", "a PURCHASE").exit_code == 0


def test_no_cases_is_no_success(tmp_path: Path) -> None:
    assert run(tmp_path, None).exit_code == 1


def test_a_broken_container_is_shown_first(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (config / "container.yaml").write_text("tags: [{nmae: x}]")
    result = CliRunner().invoke(main, ["test", "--config", str(config)], env=ENVIRON)
    assert result.exit_code == 1
    assert "nmae" in result.output


def test_junit_can_be_read_by_machines(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    bad = '- {name: "<a & b>", event: {event: lead, user_id: u}, consent: granted, expect: {block: [Lead]}}\n'
    run(tmp_path, GOOD + bad, "--junit", str(report))
    suite = ElementTree.parse(report).getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert {case.get("name") for case in suite} == {"a purchase", "<a & b>"}


def test_the_matrix_asks_every_state(tmp_path: Path) -> None:
    assert run(tmp_path, GOOD, "--consent-matrix").exit_code == 0
    container: dict[str, Any] = {"override": 'consent_override: "we think so", consent: []'}
    config = tmp_path / "config"
    text = CONTAINER.replace("exceptions: [internal]", container["override"])
    (config / "container.yaml").write_text(text)
    words = ["test", "--config", str(config), "--consent-matrix"]
    result = CliRunner().invoke(main, words, env=ENVIRON)
    assert result.exit_code == 1
    assert "Purchase sends with consent denied" in result.output


TABLES = """
destinations: {box: {type: meta_capi, pixel_id: "1", access_token: "${env:META_ACCESS_TOKEN}"}}
variables:
  kind: {lookup: "{{ page.path }}", table: {/: home, /cart: cart}, default: other}
  size: {choose: [{when: {value: {greater_than: 100}}, value: large}, {when: {value: 1}, value: tiny}]}
  part: {regex: "{{ page.path }}", table: {/c.*: c, /d.*: d}}
tags:
  - name: T
    destination: box
    triggers: [all]
    event_name: {purchase: Bought, lead: Asked}
    parameters: {kind: "{{ kind }}", size: "{{ size }}", part: "{{ part }}"}
"""


def test_rows_of_tables_that_no_case_comes_to(tmp_path: Path) -> None:
    """Of lookups, conditions, expressions and event names; a case touches those that it uses."""
    config = tmp_path / "config"
    config.mkdir()
    (config / "container.yaml").write_text(TABLES)
    event = '{event: purchase, user_id: u, value: 200, currency: EUR, page: {location: "https://a.example/cart"}}'
    (config / "a.test.yaml").write_text(f"- {{name: x, event: {event}, consent: granted, expect: {{send: [T]}}}}\n")
    words = ["test", "--config", str(config)]
    result = CliRunner().invoke(main, words, env=ENVIRON)
    assert result.exit_code == 0, result.output
    rows = ["variables.kind: /", "variables.size: row 2", "variables.part: /d.*", "tags.T.event_name: lead"]
    assert "\n    ".join(["No case comes to these rows of tables:", *rows]) in result.output
    said = json.loads(CliRunner().invoke(main, [*words, "--json"], env=ENVIRON).output)
    assert said["untouched"]["rows"] == rows
    assert "rows of tables" not in CliRunner().invoke(main, [*words, "-k", "x"], env=ENVIRON).output


def test_the_matrix_is_a_case_of_the_junit_report(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    run(tmp_path, GOOD, "--consent-matrix", "--junit", str(report))
    suite = ElementTree.parse(report).getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("2", "0")
    text = CONTAINER.replace("exceptions: [internal]", 'consent_override: "we think so", consent: []')
    (tmp_path / "config" / "container.yaml").write_text(text)
    words = ["test", "--config", str(tmp_path / "config"), "--consent-matrix", "--junit", str(report)]
    CliRunner().invoke(main, words, env=ENVIRON)
    suite = ElementTree.parse(report).getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    (failed,) = suite.findall(".//failure")
    assert "Purchase sends with consent denied" in str(failed.get("message"))


def test_a_name_that_no_xml_can_hold(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    case = '- {name: "a\\e[31m\\u0001b", event: {event: lead}, expect: {silent: true}}\n'
    assert run(tmp_path, case, "--junit", str(report)).exit_code == 0
    assert ElementTree.parse(report).getroot()[0].get("name") == "a [31m b"


def test_a_report_that_cannot_be_written(tmp_path: Path) -> None:
    result = run(tmp_path, GOOD, "--junit", str(tmp_path / "nowhere" / "report.xml"))
    assert result.exit_code == 2
    assert "nowhere" in result.output


def test_watch_runs_again_when_a_file_changes(tmp_path: Path) -> None:
    """A broken file in between is shown, and ends nothing."""
    run(tmp_path, GOOD)
    command = [sys.executable, "-u", "-m", "tagserver", "test", "--watch", "--config", str(tmp_path / "config")]
    environ = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **ENVIRON}
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environ,
        text=True,
        preexec_fn=ends_with_parent(),
    ) as process:
        assert process.stdout is not None
        try:
            for text, says in ((None, "1 passed"), ("tags: [", "error[E101]"), (CONTAINER, "1 passed")):
                if text is not None:
                    (tmp_path / "config" / "container.yaml").write_text(text)
                assert any(says in line for line in iter(process.stdout.readline, ""))
        finally:
            process.kill()


def test_a_source_with_a_contract_is_believed(tmp_path: Path) -> None:
    server = """
collect:
  keys:
    crm:
      secret: "${env:CRM_KEY}"
      consent: {ad_storage: granted, ad_user_data: granted, ad_personalization: granted}
      basis: contract
"""
    case = "- {name: x, event: {event: lead, user_id: u}, request: {source: crm}, expect: {send: [Lead]}}\n"
    assert run(tmp_path, case, "--consent-matrix", server=server).exit_code == 0
