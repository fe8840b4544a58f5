"""An order by each library for Python: `python libraries.py HOST`. What they say of failures stays with them."""

from __future__ import annotations

import sys
from typing import Any

import rudderstack.analytics as rudder
from segment.analytics.client import Client


def order(number: int) -> dict[str, Any]:
    """The properties of a paid order, as the specification has them."""
    product = {"product_id": "POT-1", "name": "Pot", "price": 59.9, "quantity": 1}
    return {"order_id": str(number), "total": 59.9, "revenue": 48.3, "currency": "EUR", "products": [product]}


def context(number: int) -> dict[str, Any]:
    """Who has bought, and where."""
    traits = {"email": f"erika.{number}@example.com"}
    page = {"url": "https://shop.example/thanks"}
    return {"traits": traits, "ip": "203.0.113.9", "userAgent": "Agent-Of-Erika", "page": page}


def main(host: str) -> None:
    """All of them, one after the other."""
    for key, number, packed in (("py", 6001, False), ("pygzip", 6002, True)):
        segment = Client(f"key-of-{key}", host=host, gzip=packed, max_retries=5)
        segment.identify("u-7", {"email": f"erika.{number}@example.com"})
        segment.track("u-7", "Order Completed", order(number), context=context(number))
        segment.flush()
        segment.join()
    rudder.write_key, rudder.dataPlaneUrl = "key-of-rpy", host
    rudder.track("u-7", "Order Completed", order(6003), context=context(6003))
    rudder.flush()
    rudder.shutdown()


if __name__ == "__main__":
    main(sys.argv[1])
