"""Names of events that are known everywhere: Google's, and ours. Pages push them, and vendors' names are told from
them.

Source: Google Analytics, recommended events, and events of the enhanced measurement.
"""

from __future__ import annotations

CONSENT_EVENT = "consent"
"""The name of an event that says what the visitor chose, and nothing else. `t.js` sends it."""

RECOMMENDED_EVENTS = frozenset(
    {
        "add_payment_info",
        "add_shipping_info",
        "add_to_cart",
        "add_to_wishlist",
        "begin_checkout",
        "close_convert_lead",
        "close_unconvert_lead",
        "disqualify_lead",
        "earn_virtual_currency",
        "generate_lead",
        "join_group",
        "level_end",
        "level_start",
        "level_up",
        "login",
        "page_view",
        "post_score",
        "purchase",
        "qualify_lead",
        "refund",
        "remove_from_cart",
        "search",
        "select_content",
        "select_item",
        "select_promotion",
        "share",
        "sign_up",
        "spend_virtual_currency",
        "tutorial_begin",
        "tutorial_complete",
        "unlock_achievement",
        "view_cart",
        "view_item",
        "view_item_list",
        "view_promotion",
        "working_lead",
    }
)
"""Google's recommended events, and `page_view`."""

GOOGLE_EVENTS = RECOMMENDED_EVENTS | {
    *("click", "exception", "file_download", "form_start", "form_submit", "scroll", "video_complete", "video_progress"),
    *("video_start", "view_search_results"),
}
"""And those that Google's own script measures by itself, under the names that a page would push."""

KNOWN_EVENTS = GOOGLE_EVENTS | {CONSENT_EVENT}
