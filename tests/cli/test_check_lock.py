"""`tagserver check --lock`: the lock is written, holds, and says when more could leave."""

from __future__ import annotations

import pytest

from .conftest import CONTAINER, Shop


def test_a_folder_without_a_lock_is_asked_nothing(shop: Shop) -> None:
    assert shop("check").code == 0
    assert not (shop.config / "privacy.lock.yaml").exists()


def test_the_way_of_a_lock(shop: Shop) -> None:
    """Written; holds; a wider change fails until it is renewed; a narrower one is told."""
    done = shop("check", "--lock")
    assert (done.code, done.out[:12]) == (0, "No problems:")
    lock = (shop.config / "privacy.lock.yaml").read_text()
    assert "  graph.facebook.com:\n    - purposes: [ad_storage, ad_user_data]\n" in lock
    assert "        - user_data\n" in lock
    assert shop("check").code == 0

    shop.write(CONTAINER.replace("triggers: [buy]", 'triggers: [buy], parameters: {x: "{{ session_id }}"}'))
    wider = shop("check")
    assert wider.code == 1
    assert wider.out.startswith(
        'error[L501] "Meta purchase" can send session_id to graph.facebook.com under ad_storage'
    )
    assert "--> config/container.yaml:" in wider.out
    assert "= help: if it is meant, renew the lock: tagserver check --lock" in wider.out
    assert [one["code"] for one in shop("check", "--json").json["problems"]] == ["L501"]
    assert shop("check", "--json").json["ok"] is False

    assert shop("check", "--lock").code == 0
    assert "- session_id\n" in (shop.config / "privacy.lock.yaml").read_text()
    shop.write(CONTAINER)
    narrower = shop("check")
    assert narrower.code == 0
    assert "warning[L502] less can leave than the privacy lock allows" in narrower.out


def test_a_missing_secret_changes_nothing_of_what_can_leave(shop: Shop) -> None:
    """A build server has no tokens; a missing pixel id is another matter."""
    shop("check", "--lock")
    before = (shop.config / "privacy.lock.yaml").read_text()
    shop("check", "--lock", environ={"PIXEL": "1"})
    assert (shop.config / "privacy.lock.yaml").read_text() == before
    done = shop("check", "--lock", environ={})
    assert done.code == 1
    assert "nobody can tell what meta sends" in done.err
    assert (shop.config / "privacy.lock.yaml").read_text() == before


@pytest.mark.parametrize("text", ["hosts: [", "hosts: 7", "nothing: {}"])
def test_a_broken_lock_is_a_problem_with_its_place(shop: Shop, text: str) -> None:
    shop.write(text, "privacy.lock.yaml")
    done = shop("check")
    assert done.code == 1
    assert "config/privacy.lock.yaml:" in done.out
    assert shop("check", "--lock").code == 0


def test_a_server_is_not_asked_for_it(shop: Shop) -> None:
    """The lock is for whoever reads a change; `try` and `test` go on."""
    shop.write("hosts: {}", "privacy.lock.yaml")
    assert shop("check").code == 1
    assert shop("try", "-", stdin='{"event": "purchase"}').code == 0
