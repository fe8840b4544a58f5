from collections.abc import Iterable

from .flows import flows
from .scenario import Scenario


def collected() -> dict[str, Iterable[Scenario]]:
    return {"flows": list(flows())}
