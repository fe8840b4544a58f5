"""Types for TypeScript, and the package for bundlers: by the compiler, by Node (a server that renders), in a page."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route

from tagserver.cli.page_package import package
from tagserver.server.script import shipped
from tests.browser.build import SECOND, STATIC
from tests.browser.recorder import Recorder

NODE = Path(__file__).parents[2] / ".venv" / "node" / "node_modules"
"""`tests/run` installs TypeScript there."""
HERE = Path(__file__).parent / "types"
STRICT = {
    "strict": True,
    "noEmit": True,
    "target": "es2022",
    "module": "esnext",
    "moduleResolution": "bundler",
    "lib": ["es2022", "dom", "dom.iterable"],
    "types": [],
    "allowJs": True,
    "checkJs": True,
}


def compiled(folder: Path, files: list[str], options: Mapping[str, object] = STRICT) -> str:
    """What the compiler says; nothing when all is right."""
    compiler = NODE / ".bin" / "tsc"
    assert compiler.exists(), "TypeScript is not installed: tests/run does that"
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": dict(options), "files": files}))
    done = subprocess.run([compiler, "-p", folder], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def installed(folder: Path, address: str = "https://tags.shop.example") -> Path:
    """The package in a project's node_modules."""
    target = folder / "node_modules" / "tagserver-page"
    target.mkdir(parents=True)
    for name, text in package(address, shipped()).items():
        (target / name).write_text(text)
    return target


@pytest.mark.parametrize("resolution", ["bundler", "nodenext"])
def test_what_is_right_compiles_and_what_is_wrong_does_not(tmp_path: Path, resolution: str) -> None:
    installed(tmp_path)
    for one in (*HERE.glob("*.ts"), STATIC / "t.d.ts", *(STATIC / "npm").glob("index.*")):
        shutil.copy(one, tmp_path)
    options = STRICT | {"moduleResolution": resolution}
    if resolution == "nodenext":
        options["module"] = "nodenext"
        (tmp_path / "package.json").write_text('{"type": "module"}')
    assert compiled(tmp_path, ["right.ts", "wrong.ts"], options) == ""
    assert compiled(tmp_path, ["index.js"], options) == "", "the loader itself"


def test_the_types_alone_are_enough(tmp_path: Path) -> None:
    """As a file of the project's own."""
    (tmp_path / "tagserver.d.ts").write_text((STATIC / "t.d.ts").read_text())
    (tmp_path / "page.ts").write_text(
        "window.tagserver?.track('purchase', {transaction_id: 'T', value: 5, currency: 'EUR'});\n"
        "// @ts-expect-error no number\n"
        "window.tagserver?.track('purchase', {value: 5, currency: 'EUR'});\n"
    )
    assert compiled(tmp_path, ["page.ts", "tagserver.d.ts"]) == ""


def test_the_scripts_are_what_their_remarks_say(tmp_path: Path) -> None:
    """Each by itself, with what a browser of 2018 has."""
    options = STRICT | {"target": "es2018", "lib": ["es2018", "dom"]}
    for name in ("t", *SECOND):
        assert compiled(tmp_path, [str(STATIC / f"{name}.js")], options) == ""


def test_a_server_that_renders_does_nothing(tmp_path: Path) -> None:
    installed(tmp_path)
    (tmp_path / "page.mjs").write_text(
        "import { load, track } from 'tagserver-page'; console.log(load(), track('purchase', {}));"
    )
    done = subprocess.run(["node", "page.mjs"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "undefined undefined\n"


@pytest.mark.browser
@pytest.mark.parametrize("fixed", [False, True], ids=["present", "fixed"])
def test_a_bundle_brings_the_script(page: Page, recorder: Recorder, fixed: bool) -> None:
    """Under the strictest policy; what is tracked before it has come is kept, and it is loaded once."""
    source = package(recorder.tags, shipped())["index.js"]
    policy = (
        f"default-src 'none'; connect-src {recorder.tags}; script-src 'nonce-n' 'strict-dynamic'; "
        "require-trusted-types-for 'script'"
    )
    path = "/app"
    recorder.pages[path] = (
        f'<!doctype html><meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<script nonce=n type=module src="/npm/app.js"></script>'
    )
    app = (
        "import { load, track } from '/npm/index.js';"
        f"const options = {{fixed: {str(fixed).lower()}, consent: 'required', pixel: false}};"
        "load(options); load(options);"
        "window.ids = [track('purchase', {transaction_id: 'T', value: 5, currency: 'EUR'})];"
        "dataLayer.push(['consent', 'update', {ad_storage: 'granted'}]);"
    )

    def answer(route: Route) -> None:
        body = source if route.request.url.endswith("index.js") else app
        route.fulfill(body=body, content_type="text/javascript")

    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.route("**/npm/*.js", answer)
    page.goto(recorder.shop + path)
    (event,) = recorder.events(1)
    assert event["event_id"] == "purchase_T"
    assert page.evaluate("ids") == ["purchase_T"]
    name = f"/t/{shipped().version}.js" if fixed else "/t.js"
    assert [url for url in asked if url == recorder.tags + name] == [recorder.tags + name]
