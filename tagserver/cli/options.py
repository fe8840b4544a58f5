"""The options that several commands share, and the configuration folder they stand for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from tagserver.cli.output import keep_standard_output, say, say_text, stream
from tagserver.configuration import ConfigurationFolder, process_environ
from tagserver.container.problems import Problem, render
from tagserver.registry import Registry

F = TypeVar("F", bound=Callable[..., Any])


def config_option(command: F) -> F:
    """`--config DIR` and `--env-file FILE`."""
    command = click.option(
        "--env-file",
        type=click.Path(path_type=Path, dir_okay=False),
        help="NAME=value lines; they win over the environment.",
    )(command)
    return click.option(
        "--config",
        "config",
        type=click.Path(path_type=Path),
        default=Path("config"),
        show_default=True,
        help="The YAML files.",
    )(command)


def data_option(command: F) -> F:
    """`--data DIR`."""
    return click.option(
        "--data",
        "data",
        type=click.Path(path_type=Path),
        default=Path("data"),
        show_default=True,
        help="Queue and state.",
    )(command)


def json_option(command: F) -> F:
    """`--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")(command)


def installed() -> Registry:
    """The plugins that are installed. Whatever they print from now on does not come between what the command prints."""
    keep_standard_output()
    return Registry.load()


def open_folder(config: Path, env_file: Path | None, data: Path | None = None) -> ConfigurationFolder:
    """The configuration folder of a command; ends it with a sentence when the env file cannot be read."""
    folder = ConfigurationFolder(config, installed(), process_environ(), env_file, data)
    try:
        folder.environment()
    except OSError as error:
        raise click.UsageError(f"--env-file: {env_file} cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise click.UsageError(f"--env-file: {error}") from None
    return folder


def print_problems(problems: Sequence[Problem], folder: Path, *, err: bool = True) -> None:
    """All problems in the layout for people."""
    texts = {}
    for name in {problem.place.file for problem in problems}:
        try:
            texts[name] = (folder / name).read_text(errors="replace")
        except OSError:
            continue
    say_text(render(problems, texts, root=str(folder), color=stream(err=err).isatty()), err=err)


def give_up(sentence: str, code: int = 1) -> NoReturn:
    """End the command with one sentence."""
    say(f"tagserver: {sentence}", err=True)
    raise SystemExit(code)
