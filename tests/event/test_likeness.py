"""A name that is nearly a known one is told from one that is the site's own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.event.known_names import KNOWN_EVENTS
from tagserver.event.likeness import OWN_WORDS, Alike, distance

OF_VENDORS = ("contact", "donate", "schedule", "subscribe", "start_trial", "find_location", "submit_application")
EVENTS = Alike([*sorted(KNOWN_EVENTS), *OF_VENDORS])

OWN = """
purchase_b2b my_event sign_up2 order_completed purchases purchased repurchase purchase_2 pre_purchase
purchase_confirmed view_card view_time view_items view_chart view_car view_cat view_part view_product
view_category view_store view_deal login_failed logout sign_in sign_out level_ups level_2 level_3 logon
user_login user_registered account_created password_reset scroll_depth clicked outbound_click click_cta
cta_click phone_click email_click tel_click video_play video_pause form_submitted form_error file_downloads
session_start session_end first_visit user_engagement checkout checkout_step checkout_started add_to_list
add_coupon remove_coupon product_view item_view wishlist_view cart_view cart_updated update_cart lead leads
new_lead lead_form newsletter newsletter_signup newsletter_joined contact_form contract contract_signed contacts
booking booking_completed reservation quote_requested callback_requested demo_request trial_started app_install
kauf bestellung bestellung_abgeschlossen warenkorb in_den_warenkorb zur_kasse kasse newsletter_anmeldung
anmeldung registrierung kontakt kontaktformular suche merkliste produktansicht rückruf angebot_angefordert
termin_gebucht filiale_gesucht größe_gewählt achat commande commande_validee commande_validée ajout_panier
panier recherche inscription connexion deconnexion remboursement partage contactez_nous devis rendez_vous
abonnement telechargement research share_click shared searches search_filter refunded refund_requested refunds
subscribed subscription unsubscribe schedule_call scheduled donation select_size select_color select_variant
add_shopping_info page_scroll page_leave page_ready page_visit pageload spa_navigate virtual_page store_locator
find_store find_dealer payment_failed payment_selected shipping_selected coupon_applied consent_update
consent_given order_placed order_paid order Kauf Bestellung formSubmitted OrderCompleted productView
ProductClick tutorial_skip post_story join_waitlist generate_pdf generate_quote select_store view_plan
view_offer view_banner view_image watch_video download content_view content_click chat_started step_1 step_2
event1 a b x test gtm.js gtm.dom 購入 _ 404 consents
"""

MEANT = {
    "purchase": "Purchase PURCHASE purchse purhcase purchasse purchaze puchaze prchase pruchase purchasee pur-chase",
    "add_to_cart": "AddToCart addToCart Add_To_Cart add-to-cart addtocart add.to.cart add_to_crat add_to_card",
    "begin_checkout": "begin_chekout begincheckuot BeginCheckout begin_checkuot begin_chekcout",
    "remove_from_cart": "remov_from_cart remove_form_cart remove_from_card",
    "view_item": "view_itme veiw_item viewItem",
    "view_item_list": "view_items_list view_itemlist view_item_lsit",
    "view_promotion": "view_promtion view_promotoin",
    "page_view": "PageView pageview page_veiw Page-View",
    "sign_up": "signup SignUp",
    "login": "loginn lgoin Login",
    "search": "serach seach Search",
    "generate_lead": "generate_laed genrate_lead GenerateLead",
    "add_payment_info": "add_payment_inof add_paymet_info",
    "refund": "refnd Refund",
    "consent": "consnet Consent",
    "start_trial": "start_trail StartTrial",
    "subscribe": "subscibe",
}
CASES = [(name, known) for known, names in MEANT.items() for name in names.split()]


@pytest.mark.parametrize("name", [*OWN.split(), "Order Completed", "", " ", "“purchase”", "purchase!", "x" * 101])
def test_a_name_of_ones_own(name: str) -> None:
    assert EVENTS.like(name) is None


@pytest.mark.parametrize(("name", "known"), [*CASES, ("add to cart", "add_to_cart"), ("purchase ", "purchase")])
def test_a_name_that_is_nearly_a_known_one(name: str, known: str) -> None:
    assert EVENTS.like(name) == known


@pytest.mark.parametrize("name", sorted(EVENTS.known))
def test_a_known_name_is_meant_and_no_slip_of_another(name: str) -> None:
    assert EVENTS.like(name) is None


@pytest.mark.parametrize("word", sorted(OWN_WORDS))
def test_each_word_of_its_own_is_needed(word: str) -> None:
    """It is one slip away from a known one."""
    assert [known for known in ("contact", "country", "login", "shipping") if distance(word, known, 2) == 1]


OTHERS = "type post port part name lang category section image id url emails paths valued"
FIELDS = Alike(
    ["location", "referrer", "title", "path", "host", "hash", "query", "email", "value", "item_id"], brief=True
)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        *(("pth", "path"), ("locaton", "location"), ("emial", "email"), ("vlaue", "value"), ("valu", "value")),
        *(
            ("item_idd", "item_id"),
            ("itemId", "item_id"),
            ("Email", "email"),
            ("refferer", "referrer"),
            ("tite", "title"),
        ),
        *((name, None) for name in OTHERS.split()),
    ],
)
def test_below_a_group_a_letter_may_be_missing_in_short_words(name: str, known: str | None) -> None:
    assert FIELDS.like(name) == known


@given(st.sampled_from(sorted(KNOWN_EVENTS)), st.data())
def test_a_name_with_two_letters_changed_about_is_meant(name: str, data: st.DataObject) -> None:
    words = [word for word in name.split("_") if len(word) >= 4 and len(set(word)) > 1]
    if not words:
        return
    word = data.draw(st.sampled_from(words))
    at = data.draw(st.sampled_from([at for at in range(len(word) - 1) if word[at] != word[at + 1]]))
    changed = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    assert EVENTS.like(name.replace(word, changed, 1)) == name


@given(st.text(max_size=120))
def test_any_text_is_taken(text: str) -> None:
    assert EVENTS.like(text) in (None, *EVENTS.known)


@given(st.text("abc", max_size=6), st.text("abc", max_size=6))
def test_distance(one: str, other: str) -> None:
    """Symmetric, nothing for the same, and one for each step that was made."""
    assert distance(one, other, 9) == distance(other, one, 9)
    assert (distance(one, other, 9) == 0) == (one == other)
    assert distance(one + other, other, 9) == min(len(one), 10)
