"""`tagserver test`: the cases of the configuration folder."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import click

from tagserver.cli.options import GivenPath, config_option, json_option, open_folder, print_problems
from tagserver.cli.terminal import give_up, say, say_json
from tagserver.config.configuration import ConfigurationFolder
from tagserver.config.yaml.folder import read_test_files
from tagserver.config.yaml.problems import Problems
from tagserver.explain.cases import Case, Report, read_cases, run
from tagserver.explain.consent_matrix import consent_matrix
from tagserver.runtime.running import picture
from tagserver.system.files import os_fault


@click.command()
@config_option
@click.option("-k", "words", metavar="TEXT", help="Only cases whose name holds this text.")
@click.option(
    "--consent-matrix", "matrix", is_flag=True, help="Run every case with consent granted, denied, missing, garbled."
)
@click.option("--junit", type=GivenPath(dir_okay=False), help="Write a JUnit report, too.")
@click.option("--watch", is_flag=True, help="Run again whenever a file changes.")
@json_option
def test(
    config: Path, env_file: Path | None, words: str | None, matrix: bool, junit: Path | None, watch: bool, as_json: bool
) -> None:
    """Run the cases of `*.test.yaml`. Sends nothing; time and minted ids are fixed."""
    folder = open_folder(config, env_file)
    if not watch:
        raise SystemExit(_once(folder, words, matrix, junit, as_json))
    seen: Any = None
    while True:
        now = picture(config)
        if now != seen:
            seen = now
            click.clear()
            _once(folder, words, matrix, junit, as_json)
        time.sleep(0.3)


def _once(folder: ConfigurationFolder, words: str | None, matrix: bool, junit: Path | None, as_json: bool) -> int:
    began = time.monotonic()
    loaded = folder.compile()
    if loaded.container is None or loaded.server is None:
        print_problems(loaded.problems, folder.folder)
        return 1
    problems = Problems()
    cases = read_cases(read_test_files(folder.folder), loaded.container, problems)
    if found := problems.sorted():
        print_problems(found, folder.folder)
    if problems.fatal:
        return 1
    chosen = [case for case in cases if words is None or words.lower() in case.name.lower()]
    report = run(chosen, loaded.container, loaded.server)
    unsafe = consent_matrix(chosen, loaded.container, loaded.server) if matrix else []
    if junit is not None:
        _write_junit(junit, report, unsafe if matrix else None, time.monotonic() - began)
    if as_json:
        say_json(_as_dict(report, unsafe))
    else:
        _print(report, unsafe, folder.folder, complete=words is None, seconds=time.monotonic() - began)
    if not chosen:
        say("There are no cases: write some in a file that ends in .test.yaml.", err=True)
    return 1 if report.failures or unsafe or not chosen else 0


def _print(report: Report, unsafe: list[str], folder: Path, *, complete: bool, seconds: float) -> None:
    for case, wrong in report.failures:
        say(f"✖ {case.name}  {folder / case.place.file}:{case.place.line}")
        for sentence in wrong:
            say(f"    {sentence}")
    for sentence in unsafe:
        say(f"✖ {sentence}")
    if complete:
        for what, names in (("tags", report.tags_untouched), ("triggers", report.triggers_untouched)):
            if names:
                say(f"No case says anything about the {what} {', '.join(names)}.")
        if report.rows_untouched:
            say("No case comes to these rows of tables:")
            for row in report.rows_untouched:
                say(f"    {row}")
    failed = f", {len(report.failures)} failed" if report.failures else ""
    say(f"{len(report.passed)} passed{failed}, {seconds:.2f} s")


def _as_dict(report: Report, unsafe: list[str]) -> dict[str, Any]:
    def shown(case: Case) -> dict[str, Any]:
        return {"name": case.name, "file": case.place.file, "line": case.place.line}

    return {
        "ok": not report.failures and not unsafe,
        "passed": [shown(case) for case in report.passed],
        "failed": [{**shown(case), "differences": wrong} for case, wrong in report.failures],
        "consent_matrix": unsafe,
        "untouched": {
            "tags": report.tags_untouched,
            "triggers": report.triggers_untouched,
            "rows": report.rows_untouched,
        },
    }


def _write_junit(path: Path, report: Report, unsafe: list[str] | None, seconds: float) -> None:
    """JUnit's XML, as build servers read it; the consent matrix, where it was asked for, is one more case."""
    rows: list[tuple[str, str, list[str]]] = [(case.name, case.place.file, []) for case in report.passed]
    rows += [(case.name, case.place.file, wrong) for case, wrong in report.failures]
    rows += [("consent matrix", "tagserver", unsafe)] if unsafe is not None else []
    failed = sum(bool(wrong) for _, _, wrong in rows)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuite name="tagserver" tests="{len(rows)}" failures="{failed}" time="{seconds:.3f}">',
    ]
    for name, file, wrong in rows:
        lines.append(f"  <testcase name={_attribute(name)} classname={_attribute(file)}>")
        lines += [f"    <failure message={_attribute('; '.join(wrong))}/>"] if wrong else []
        lines.append("  </testcase>")
    try:
        path.write_text("\n".join([*lines, "</testsuite>"]) + "\n", "utf-8")
    except OSError as error:
        give_up(f"--junit: {os_fault(error)}", 2)


def _attribute(text: str) -> str:
    """XML has no control characters, not even as references."""
    return quoteattr("".join(one if one.isprintable() else " " for one in text))
