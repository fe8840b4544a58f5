"""Ctrl-C in a command, and who else has a way with it."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from tagserver.cli.main import main
from tagserver.cli.process import default_interrupts, own_interrupts
from tagserver.plugin.fault import Interrupted


@pytest.fixture(autouse=True)
def as_python_has_it() -> Iterator[None]:
    """Python's own handler, as a command finds it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_is_told_apart_from_a_keyboard_interrupt_of_a_plugin() -> None:
    with own_interrupts():
        with pytest.raises(Interrupted):
            signal.raise_signal(signal.SIGINT)
        with default_interrupts(), pytest.raises(KeyboardInterrupt) as plain:
            signal.raise_signal(signal.SIGINT)
        assert not isinstance(plain.value, Interrupted)
        with pytest.raises(Interrupted):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_whoever_handles_it_already_goes_on() -> None:
    """A program that runs a command inside itself, or one that was started to ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with own_interrupts(), default_interrupts():
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_a_command_ends_by_it() -> None:
    @main.command("pressed")
    def pressed() -> None:
        signal.raise_signal(signal.SIGINT)
        click.echo("went on")

    try:
        done = CliRunner().invoke(main, ["pressed"])
    finally:
        main.commands.pop("pressed")
    assert (done.exit_code, "went on" in done.output) == (1, False)
