"""What a visitor has refused with one copy of an order, and what that means for another copy of it.

A page, a shop's webhook and a file tell of the same order, and only the page knows what the visitor said. What is
remembered of it is this: the purposes that were denied, in words of the visitor's own or in words that cannot be read,
and what no purpose can say, an opt-out of sale and that it is a child. It is two bytes that name nobody.

Laid over the consent of a later copy it is nobody's choice there: it takes away, and withdraws nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tagserver.consent.gate import EARLIER_GPC, GPC
from tagserver.consent.state import ConsentState, Purpose
from tagserver.event.consent_fields import AD_PURPOSES, PURPOSES

EARLIER = "an earlier copy of this order"
"""The source that people read where it has decided something."""
NOTHING_REFUSED = 0

_BITS = {purpose: 1 << place for place, purpose in enumerate(PURPOSES)}
_SALE, _GPC, _SENSITIVE, _CHILD = (1 << place for place in range(len(PURPOSES), len(PURPOSES) + 4))
_SIZE = 2
_DENIED = Purpose("denied", "explicit", (EARLIER,), ("denied",), own=False)


def bits_of(purposes: Iterable[str]) -> int:
    """Purposes as they are remembered."""
    return sum(_BITS[one] for one in {*purposes} if one in _BITS)


def refused_by(consent: ConsentState) -> int:
    """What is refused with a copy. What a contract denies is no word of the visitor's, nor is a mere preset; what
    cannot be read is taken for a refusal."""
    found = 0
    for name, purpose in consent.purposes.items():
        if purpose.state == "denied" and purpose.kind == "explicit" and not purpose.contract:
            found |= _BITS.get(name, 0)
    if consent.sale_opt_out:
        found |= _SALE if GPC.isdisjoint(consent.sale_opt_out) else _SALE | _GPC
    if consent.sensitive_limit:
        found |= _SENSITIVE
    return found | _CHILD if consent.known_child else found


def left_of(refused: int, consent: ConsentState) -> int:
    """What of an earlier refusal stands for a copy: all but the purposes that its visitor grants with it. A grant of
    purposes is none of what is no purpose: an opt-out of sale stands, and a child stays one."""
    return refused & ~bits_of(consent.explicitly_granted)


def laid_over(consent: ConsentState, refused: int) -> ConsentState:
    """The consent of a copy for which an earlier refusal stands."""
    purposes = dict(consent.purposes)
    for name, bit in _BITS.items():
        if refused & bit and not _is_denied(consent.purpose(name)):
            purposes[name] = _DENIED
    opt_out = [*consent.sale_opt_out]
    if refused & _SALE:
        opt_out.append(EARLIER_GPC if refused & _GPC else EARLIER)
    return replace(
        consent,
        purposes=purposes,
        granted=frozenset(name for name in consent.granted if purposes[name].state == "granted"),
        sale_opt_out=tuple(opt_out),
        sensitive_limit=consent.sensitive_limit or bool(refused & _SENSITIVE),
        known_child=consent.known_child or bool(refused & _CHILD),
    )


def _is_denied(purpose: Purpose) -> bool:
    return purpose.state == "denied" and purpose.kind == "explicit"


def reaching_back(consent: ConsentState) -> frozenset[str]:
    """The purposes for which other copies that wait to be sent are erased: those that the visitor has denied in plain
    words, as for everything else of his; and for a child all that ads need."""
    return consent.withdrawn | frozenset(AD_PURPOSES) if consent.known_child else consent.withdrawn


def gone_with(refused: int, *, restricted: bool) -> frozenset[str]:
    """The purposes that a copy which is built already may not rely on under an earlier refusal. Of an opt-out it cannot
    be made to take account any more, unless it was built `restricted`; and a child has granted nothing for ads."""
    gone = frozenset(name for name, bit in _BITS.items() if refused & bit)
    if refused & _CHILD or (not restricted and refused & (_SALE | _SENSITIVE)):
        return gone | frozenset(AD_PURPOSES)
    return gone


def packed(refused: int) -> bytes:
    """As it is remembered."""
    return refused.to_bytes(_SIZE)


def unpacked(mark: bytes) -> int:
    """From what was remembered; all is refused where that is of a length that it never had."""
    return int.from_bytes(mark) if len(mark) == _SIZE else (1 << len(PURPOSES) + 4) - 1
