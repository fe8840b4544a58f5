"""The process behind `tests/warm.py`: it has imported all of tagserver, and forks once for each command it is sent.

A command comes as one message on standard input, a socket, with five descriptors: its words, folder and environment
(JSON), its three streams, and where its process id and at last its wait status are told. It ends when nobody holds the
other end of the socket any more.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import selectors
import socket
import struct
import sys
from importlib.metadata import entry_points
from typing import Any

import tagserver
from tests.processes import ends_with_parent

STREAMS = ("r", "w", "w")
TOLD = struct.Struct("i")


def import_all() -> None:
    """What a command would import, and freeze it, so that a collection in a child does not copy its pages."""
    for module in pkgutil.walk_packages(tagserver.__path__, "tagserver."):
        if not module.name.endswith("__main__") and ".skeleton" not in module.name and ".starter" not in module.name:
            importlib.import_module(module.name)
    for plugin in entry_points(group="tagserver"):
        if plugin.value.startswith("tagserver_"):
            importlib.import_module(plugin.value)
    gc.collect()
    gc.freeze()


def become(asked: dict[str, Any], streams: list[int]) -> None:
    """In the child: the folder, the environment, the words and the streams of the command."""
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    sys.argv = ["tagserver", *asked["words"]]
    sys.orig_argv = [sys.executable, "-m", "tagserver", *asked["words"]]
    sys.path[0] = asked["cwd"]
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
    os.closerange(3, max(streams) + 1)
    sys.stdin, sys.stdout, sys.stderr = (
        open(number, mode, encoding=was.encoding, errors=was.errors, closefd=False)  # noqa: SIM115 (for its whole life)
        for number, (mode, was) in enumerate(zip(STREAMS, (sys.stdin, sys.stdout, sys.stderr), strict=True))
    )


def told_to_start(control: socket.socket, waiting: dict[int, int], picked: selectors.BaseSelector) -> bool:
    """Take one command; True in the child that is to run it. Raises EOFError when there will be no more."""
    message, descriptors, _, _ = socket.recv_fds(control, 1, 5)
    if not message:
        raise EOFError
    spec, *streams, told = descriptors
    with open(spec, "rb") as file:
        asked = json.load(file)
    guard = ends_with_parent()
    child = os.fork()
    if not child:
        picked.close()
        control.close()
        guard()
        become(asked, streams)
        return True
    for descriptor in streams:
        os.close(descriptor)
    os.write(told, TOLD.pack(child))
    end = os.pidfd_open(child)
    waiting[end] = told
    picked.register(end, selectors.EVENT_READ, child)
    return False


def serve() -> None:
    """Until the other end is closed; comes back in each child."""
    control = socket.socket(fileno=os.dup(0))
    waiting: dict[int, int] = {}
    picked = selectors.DefaultSelector()
    picked.register(control, selectors.EVENT_READ)
    while True:
        for key, _ in picked.select():
            if key.data is None:
                if told_to_start(control, waiting, picked):
                    return
                continue
            picked.unregister(key.fd)
            _, status = os.waitpid(key.data, 0)
            os.close(key.fd)
            told = waiting.pop(key.fd)
            os.write(told, TOLD.pack(status))
            os.close(told)


if __name__ == "__main__":
    import_all()
    try:
        serve()
    except EOFError:
        sys.exit()
    from tagserver.cli import main

    main(prog_name="tagserver")
