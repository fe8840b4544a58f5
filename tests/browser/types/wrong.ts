// What must not: each line below a remark is an error, or the remark is.
import { load, track } from "tagserver-page";

// @ts-expect-error an order has a number
track("purchase", { ecommerce: { value: 5, currency: "EUR" } });
// @ts-expect-error an amount is a number
track("purchase", { ecommerce: { transaction_id: "T", value: "5.00", currency: "EUR" } });
// @ts-expect-error and has a currency
track("purchase", { transaction_id: "T", value: 5 });
// @ts-expect-error likewise
track("add_to_cart", { ecommerce: { value: 5 } });
// @ts-expect-error items are a list
track("view_item", { ecommerce: { items: { item_id: "SKU-1" } } });
// @ts-expect-error a word that is none
track("own", { consent: { ad_storage: "yes" } });
// @ts-expect-error a name is a text
track(7);
// @ts-expect-error no such option
track("own", {}, { pixels: "Purchase" });
// @ts-expect-error no such setting
load({ consents: "required" });
// @ts-expect-error "required" is the only value
load({ consent: "optional" });
// @ts-expect-error a command that is none
window.dataLayer?.push(["consent", "grant", {}]);
// @ts-expect-error an event's name is a text
window.dataLayer?.push({ event: 7 });
// @ts-expect-error it may not be there
window.tagserver.track("own");
