"""Where a service runs: an unprivileged user on a system that is read-only but for one folder. Root makes it with a
mount namespace of its own (`unshare`), in which nothing of the machine is changed."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.processes import ends_with_parent

USER = 64_107
"""A number that nobody has."""
_READ_ONLY = """
mount --bind "$1" "$1" || exit 98
while read -r _ _ _ _ place _; do
  case "$place" in "$1") ;; *) mount -o remount,bind,ro "$place" 2>/dev/null ;; esac
done < /proc/self/mountinfo
touch "$2" 2>/dev/null && exit 97
data=$1; cd "$3" || exit 96; shift 3
exec setpriv --pdeathsig KILL --reuid=USER --regid=USER --clear-groups --no-new-privs --inh-caps=-all -- "$@"
""".replace("USER", str(USER))


class Jail:
    """`/srv/tagserver` and `/etc/tagserver` of the documentation, as folders below one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.srv, etc = folder / "srv", folder / "etc"
        self.config, self.data, self.secrets = self.srv / "config", self.srv / "data", etc / "secrets.env"
        self._started: list[subprocess.Popen[bytes]] = []

    @classmethod
    @contextlib.contextmanager
    def made(cls) -> Iterator[Jail]:
        """One, gone with its processes at the end. Skips where there can be none."""
        if os.geteuid() != 0:
            pytest.skip("it needs root, to run as another user on a system that is read-only")
        for program in ("unshare", "setpriv", "mount", "install"):
            if shutil.which(program) is None:
                pytest.skip(f"there is no {program}")
        with tempfile.TemporaryDirectory(prefix="tagserver-jail-") as name:
            folder = Path(name)
            folder.chmod(0o755)
            jail = cls(folder)
            try:
                jail.data.mkdir(parents=True)
                tried = jail.run(f"{sys.executable} -c 'import tagserver.cli.main'")
                if tried.returncode:
                    pytest.skip(f"such a user cannot run this Python here: {tried.stderr.strip()[-200:]}")
                jail.data.rmdir()
                jail.srv.rmdir()
                yield jail
            finally:
                for process in jail._started:
                    process.kill()
                    process.wait(10)

    def install(self, block: str) -> None:
        """Run the lines of the documentation that make folders and files; the user's name is its number here."""
        lines = [line for line in block.splitlines() if re.match(r"(install|test|sed|cd) ", line)]
        script = re.sub(r"-([og]) tagserver", rf"-\1 {USER}", self._placed("\n".join(lines)))
        subprocess.run(["sh", "-ec", script], cwd=self.folder, check=True, capture_output=True, timeout=60)

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """One command of the documentation, to its end."""
        done = subprocess.run(
            self._words(command), env=self._environ(), capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode not in (96, 97, 98), f"the jail has a hole ({done.returncode}): {done.stderr}"
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def serve(self, command: str) -> Served:
        """A server, once it listens."""
        log = self.folder / "log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                self._words(command),
                env=self._environ(),
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                preexec_fn=ends_with_parent(),  # and once more in the script: a change of user takes it back
            )
        self._started.append(process)
        found = until(lambda: re.search(r"listens on (http://[\d.:]+)", log.read_text()) or process.poll())
        assert isinstance(found, re.Match), log.read_text()
        return Served(process, found[1], self.token)

    @property
    def token(self) -> str:
        """The admin token of the env file."""
        (found,) = re.findall(r"^TAGSERVER_ADMIN_TOKEN=(.+)$", self.secrets.read_text(), re.MULTILINE)
        return str(found)

    def _placed(self, text: str) -> str:
        program = f"{sys.executable} -m tagserver"
        text = re.sub(r"(/srv/tagserver/)?\.venv/bin/tagserver", program, text)
        return text.replace("/srv/tagserver", str(self.srv)).replace("/etc/tagserver", str(self.secrets.parent))

    def _words(self, command: str) -> list[str]:
        self.secrets.parent.mkdir(exist_ok=True)
        inside = [str(self.data), str(self.srv / "probe"), str(self.srv), *shlex.split(self._placed(command))]
        return ["unshare", "--mount", "--propagation", "private", "--", "sh", "-c", _READ_ONLY, "jail", *inside]

    @staticmethod
    def _environ() -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "PYTHONPATH": os.environ.get("PYTHONPATH", ""), "LANG": "C.UTF-8"}


class Served:
    """A server in the jail. `process` is its own, by which it is signalled."""

    def __init__(self, process: subprocess.Popen[bytes], address: str, token: str) -> None:
        self.process = process
        self._address, self._token = address, token

    def collect(self, event: dict[str, Any]) -> httpx.Response:
        """Post an event as the starter configuration's page does."""
        return httpx.post(
            f"{self._address}/collect", json=event, headers={"origin": "https://shop.example"}, trust_env=False
        )

    def answers(self, token: str) -> bool:
        """Whether a token opens what lies under `/-/`."""
        return self._status(token).status_code == 200

    def status(self, part: str) -> Any:
        """A part of `status.json`."""
        return self._status(self._token).json()[part]

    def _status(self, token: str) -> httpx.Response:
        headers = {"authorization": f"Bearer {token}"}
        return httpx.get(f"{self._address}/-/status.json", headers=headers, trust_env=False)


def until(asked: Callable[[], Any], seconds: float = 20) -> Any:
    """The first answer that is something."""
    end = time.monotonic() + seconds
    while not (found := asked()) and time.monotonic() < end:
        time.sleep(0.05)
    return found
