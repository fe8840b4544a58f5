"""A stand-in for Meta on this machine: Graph API edge, browser pixel, ledger, faults on demand.

Written from the Conversions API reference alone. It shares no code with the rest of tagserver, so that a slip
in a destination is not made here a second time. What Meta does not document, the stand-in leaves out, or says
at the rule that the choice is ours.
"""

from __future__ import annotations

from tagserver.sandbox.app import create_sandbox

__all__ = ["create_sandbox"]
