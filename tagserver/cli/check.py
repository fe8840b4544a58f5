"""`tagserver check`: all problems of the configuration at once; and its privacy lock, and whether the audit lasts."""

from __future__ import annotations

from pathlib import Path

import click

from tagserver.audit.files import WHAT_TO_DO, shortage
from tagserver.cli.options import config_option, data_option, json_option, open_folder, print_problems, without_env_file
from tagserver.cli.terminal import give_up, say, say_json
from tagserver.config import privacy_lock
from tagserver.config.model import Container
from tagserver.config.yaml.problems import Problem, Problems
from tagserver.system.files import os_reason
from tagserver.system.text import counted


@click.command()
@config_option
@data_option
@click.option("--lock", is_flag=True, help="Write privacy.lock.yaml anew: which personal fields can reach which host.")
@json_option
def check(config: Path, env_file: Path | None, data: Path, lock: bool, as_json: bool) -> None:
    """Check the configuration: every problem with file, line, column and a hint; a note where the audit of the data
    folder does not last for as long as it is to be kept. Changes nothing but with --lock."""
    loaded = open_folder(config, env_file).compile()
    container = loaded.container
    problems = list(loaded.problems)
    if container is not None:
        if lock:
            _renew(container, config)
        problems += _locked(container, config)
    serious = [problem for problem in problems if problem.severity != "warning"]
    if as_json:
        shown = {
            "ok": not serious,
            "version": container.version if container else None,
            "problems": [problem.as_dict() for problem in problems],
        }
        say_json(shown)
    elif problems:
        print_problems(problems, config, err=False)
        if said := without_env_file(env_file, problems):
            say(f"{said[0].upper()}{said[1:]}.")
    else:
        assert container is not None
        parts = (("tag", container.tags), ("trigger", container.triggers), ("destination", container.destinations))
        counts = ", ".join(counted(len(some), what) for what, some in parts)
        say(f"No problems: {counts}. Container {container.version}.")
    if loaded.server is not None and (short := shortage(data, loaded.server.audit.max_size, loaded.server.audit.keep)):
        say(f"note: the audit: {short}; {WHAT_TO_DO}", err=True)
    raise SystemExit(1 if serious else 0)


def _renew(container: Container, config: Path) -> None:
    if unknown := privacy_lock.unknown(container):
        give_up(
            f"the privacy lock is not written: nobody can tell what {', '.join(unknown)} sends while it is not set up"
        )
    path = config / privacy_lock.FILE
    try:
        path.write_text(privacy_lock.written(privacy_lock.lock_of(container)), "utf-8")
    except OSError as error:
        give_up(f"{path} cannot be written: {os_reason(error)}")
    say(f"{path} is written.", err=True)


def _locked(container: Container, config: Path) -> tuple[Problem, ...]:
    """What the lock says, where there is one."""
    problems = Problems()
    locked = privacy_lock.read_lock(config, problems)
    return problems.sorted() if locked is None else tuple(privacy_lock.compare(container, locked))
