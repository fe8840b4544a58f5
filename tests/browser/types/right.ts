// What must compile.
import { load, track, type DataLayerEvent } from "tagserver-page";

load();
load({ consent: "required", keep: true, pixel: true, fixed: true, address: "https://tags.shop.example", nonce: "n" });

const id: string | undefined = track(
  "purchase",
  { ecommerce: { transaction_id: "T1", value: 59.9, currency: "EUR", items: [{ item_id: "SKU-1", price: 59.9, own: 1 }] } },
  { pixel: "Purchase" },
);
track("purchase", { transaction_id: 7, value: 5, currency: "EUR" });
track("generate_lead", { value: 5, currency: "EUR", user_data: { email: "erika@example.com" } });
track("generate_lead");
track("my_own_event", { anything: [1, "two", { three: 3 }], consent: { ad_storage: "denied" } });

const pushed: DataLayerEvent = { event: "view_item", ecommerce: { value: 5, currency: "EUR", items: [] } };
window.dataLayer = window.dataLayer || [];
window.dataLayer.push(pushed, { event: "own", event_id: "e-1" }, { user_data: null });
window.dataLayer.push(["consent", "update", { ad_storage: "granted" }]);
window.dataLayer.push(["consent", "default", { ad_storage: "denied", wait_for_update: 500, region: ["DE"] }]);
function gtag(..._said: unknown[]) {
  window.dataLayer?.push(arguments);
}
gtag("event", "purchase", {});
window.tagserver?.track("search", { search_term: "mug" });
window.tagserver?.flush?.();
export const version: string | undefined = window.tagserver?.version;
export { id };
