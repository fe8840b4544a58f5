"""The real proxies, run with the configurations of the documentation: on loopback, on a free port, with a certificate
of the test's own."""

from __future__ import annotations

import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.processes import ends_with_parent

from .pages import OPERATE, blocks

(PAGE,) = (page for page in OPERATE if page.name == "proxies.md")
HOST = "tags.shop.example"
VISITOR = "127.0.0.7"
"""The address that clients of a proxy come from; the server sees the proxy's."""
LANGUAGES = {"nginx": "nginx", "caddy": "caddyfile", "haproxy": "haproxy"}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


@dataclass(frozen=True)
class Certificate:
    """Of one host, signed by itself."""

    certificate: Path
    key: Path

    @classmethod
    def made(cls, folder: Path, host: str = HOST) -> Certificate:
        one = cls(folder / "tags.crt", folder / "tags.key")
        words = ["-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "2"]
        names = ["-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}"]
        files = ["-keyout", str(one.key), "-out", str(one.certificate)]
        subprocess.run(["openssl", "req", *words, *names, *files], check=True, capture_output=True)
        (folder / "tags.pem").write_text(one.certificate.read_text() + one.key.read_text())
        return one


def configured(program: str, port: int, server: str, certificate: Certificate) -> str:
    """The configuration of the page for one proxy, both its parts; with the test's ports and files."""
    folder = certificate.key.parent
    main, below = (one.text for one in blocks(PAGE, language=LANGUAGES[program]))
    for text in (main, below):
        assert "127.0.0.1:8080" in text or "proxy_pass http://tagserver/;" in text
    if program == "nginx":
        user = "user root;" if os.geteuid() == 0 else ""
        temporary = "".join(f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi"))
        whole = main.removesuffix("}\n") + below + "}\n"
        whole = whole.replace("listen 443", f"listen 127.0.0.1:{port}")
        whole = re.sub(r"(ssl_certificate) .+;", rf"\1 {certificate.certificate};", whole)
        whole = re.sub(r"(ssl_certificate_key) .+;", rf"\1 {certificate.key};", whole)
        unused = "".join(f"{name}_temp_path {folder}/{name};" for name in ("uwsgi", "scgi"))
        whole = (
            f"{user} daemon off; pid {folder}/pid; error_log stderr; events {{}}\n"
            f"http {{ access_log off; {temporary} {unused}\n{whole}}}\n"
        )
    elif program == "caddy":
        site = f"https://{HOST}:{port} {{\n\tbind 127.0.0.1\n\ttls {certificate.certificate} {certificate.key}\n"
        whole = main.replace(f"{HOST} {{\n", site + below, 1)
        whole = "{\n\tadmin off\n\tauto_https off\n\tskip_install_trust\n}\n" + whole
    else:
        whole = main.replace("bind :443", f"bind 127.0.0.1:{port}").replace("/etc/haproxy/", f"{folder}/")
        whole = whole.replace("tags.shop.example.pem", "tags.pem")
        whole = whole.replace(
            "    default_backend", "    use_backend tagserver_below if { path_beg /metrics/ }\n    default_backend"
        )
        whole += "\n" + below
    assert str(port) in whole
    return whole.replace("127.0.0.1:8080", server)


@contextmanager
def running(command: list[str], port: int, log: Path, environ: dict[str, str] | None = None) -> Iterator[None]:
    """A program until the block ends, once it listens."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            stdout=out,
            stderr=out,
            env={"PATH": os.environ["PATH"], **(environ or {})},
            preexec_fn=ends_with_parent(),
        )
    try:
        until = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < until, log.read_text()
                time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait(20)


def find(program: str) -> str:
    """Its path; without it the test is skipped, and says why."""
    found = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if found is None:
        pytest.skip(f"{program} is not installed: tests/run installs it, but for `tests/run quick`")
    return found


def command(program: str, path: Path) -> list[str]:
    """How it is started in the foreground."""
    words = {
        "nginx": ["-p", str(path.parent), "-c", str(path), "-e", "stderr"],
        "caddy": ["run", "--adapter", "caddyfile", "--config", str(path)],
        "haproxy": ["-db", "-f", str(path)],
    }
    return [find(program), *words[program]]


class Visitor(httpx.Client):
    """A browser in front of a proxy, which it knows by its name."""

    def __init__(self, port: int, certificate: Certificate) -> None:
        trusting = ssl.create_default_context(cafile=str(certificate.certificate))
        super().__init__(
            base_url=f"https://127.0.0.1:{port}",
            transport=httpx.HTTPTransport(verify=trusting, local_address=VISITOR),
            headers={"host": HOST, "origin": "https://www.shop.example"},
            timeout=20,
        )

    def ask(self, method: str, path: str, **what: object) -> httpx.Response:
        """One request, with the path as it is written."""
        request = self.build_request(method, "/", extensions={"sni_hostname": HOST}, **what)  # type: ignore[arg-type]  # (as `request` takes them)
        request.url = request.url.copy_with(raw_path=path.encode())
        return self.send(request)
