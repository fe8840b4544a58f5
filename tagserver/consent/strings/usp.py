"""The US Privacy string: version, notice given, opted out of sale, covered by the limited service provider agreement.

`1YNN`: notice given, not opted out, not covered. `1---`: the law does not apply. Source: IAB Tech Lab, "US Privacy
String"; deprecated in favour of GPP, where it is section 6.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tagserver.consent.strings.invalid import Invalid

_FORM = re.compile(r"1[YN-][YN-][YN-]\Z")


@dataclass(frozen=True, slots=True)
class UspString:
    """`Y`, `N` or `-` for each of three questions."""

    notice: str
    opt_out_sale: str
    lspa: str
    version: int = 1

    @property
    def text(self) -> str:
        """The string itself."""
        return f"{self.version}{self.notice}{self.opt_out_sale}{self.lspa}"

    @property
    def applies(self) -> bool:
        """Whether the law applies."""
        return self.text != "1---"

    @property
    def sale_opt_out(self) -> bool:
        """Whether the visitor opted out of sale. That he did not allows nothing."""
        return self.opt_out_sale == "Y"


def read_usp(text: str) -> UspString | Invalid:
    """Read four characters, upper case."""
    if not _FORM.match(text):
        return Invalid("not 1 and three times Y, N or -")
    usp = UspString(*text[1:])
    if usp.applies and usp.opt_out_sale == "-":
        return Invalid("does not say whether the visitor opted out of sale, although the law applies")
    return usp
