"""The configuration that is measured: many tags over eight event names, one of which fires on the purchase."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

OTHERS = ("add_to_cart", "view_item", "begin_checkout", "search", "sign_up", "page_view", "generate_lead")
NAMES = ("purchase", *OTHERS)


def write_config(
    folder: Path, vendors: Mapping[str, int], tags: int = 50, names: tuple[str, ...] = NAMES, records: str = "summary"
) -> None:
    """`vendors`: destination → its port; a tag of each fires. `tags` in all; those that never fire are for `names` in
    turn. `records`: the level of records; the default one, as servers have it."""
    lines = ["destinations:"]
    for name, port in vendors.items():
        lines += [
            f"  {name}:",
            "    type: meta_capi",
            '    pixel_id: "1234567890"',
            '    access_token: "${env:BENCH_TOKEN}"',
            f"    api_url: http://127.0.0.1:{port}",
        ]
    lines += ["triggers:", "  purchase: {event: purchase, when: {ecommerce.value: {greater_than: 0}}}"]
    for index in range(len(vendors), tags):
        when = f"{{page.path: /thanks/{index}, ecommerce.currency: [EUR, USD]}}"
        lines.append(f"  t{index}: {{event: {names[index % len(names)]}, when: {when}}}")
    lines.append("tags:")
    lines += [f"  - {{name: Purchase {name}, destination: {name}, triggers: [purchase]}}" for name in vendors]
    first = next(iter(vendors))
    lines += [
        f"  - {{name: Tag {index}, destination: {first}, triggers: [t{index}]}}" for index in range(len(vendors), tags)
    ]
    (folder / "container.yaml").write_text("\n".join(lines) + "\n")
    (folder / "server.yaml").write_text(
        'collect: {origins: ["https://shop.example"]}\negress: {allow: ["127.0.0.0/8"]}\nqueue: {min_free: 1MiB}\n'
        f"records: {{level: {records}}}\n"
    )
