// What a page says to tagserver: `window.tagserver`, and what it pushes to the data layer.
//
//   tagserver snippet --types > types/tagserver.d.ts
//
// Names and fields are Google's (GA4) and ours. Every event may have fields of your own; what is named here is checked.

/** A purpose that is not named was not decided. */
export type ConsentValue = "granted" | "denied";

/** Of Google's Consent Mode; what a visitor chose about each purpose. */
export interface Consent {
  ad_storage?: ConsentValue;
  ad_user_data?: ConsentValue;
  ad_personalization?: ConsentValue;
  analytics_storage?: ConsentValue;
  functionality_storage?: ConsentValue;
  personalization_storage?: ConsentValue;
  security_storage?: ConsentValue;
}

/** Before the visitor has chosen. `wait_for_update`: ms. `region`: ISO 3166-2, all regions without it. */
export interface ConsentDefault extends Consent {
  wait_for_update?: number;
  region?: string[];
}

export interface Address {
  first_name?: string;
  last_name?: string;
  street?: string;
  city?: string;
  region?: string;
  postal_code?: string;
  /** Two letters. */
  country?: string;
}

/** Of a visitor who is known; in the clear, the server hashes what a vendor wants hashed. */
export interface UserData {
  email?: string | string[];
  phone_number?: string | string[];
  address?: Address;
  /** YYYY-MM-DD */
  date_of_birth?: string;
  gender?: string;
  [field: string]: unknown;
}

export interface Item {
  item_id?: string | number;
  item_name?: string;
  item_brand?: string;
  item_category?: string;
  item_variant?: string;
  item_list_id?: string;
  item_list_name?: string;
  affiliation?: string;
  coupon?: string;
  discount?: number;
  index?: number;
  price?: number;
  quantity?: number;
  [field: string]: unknown;
}

/** An amount says its currency: three letters of ISO 4217. */
export type Amount = { value: number; currency: string } | { value?: undefined; currency?: string };

export interface Products {
  items?: Item[];
  coupon?: string;
  [field: string]: unknown;
}

export interface Order extends Products {
  /** The order's number: the event's id is made of it, so that a reloaded page makes no second sale. */
  transaction_id: string | number;
  value: number;
  currency: string;
  tax?: number;
  shipping?: number;
  affiliation?: string;
}

export interface Refund extends Products {
  transaction_id: string | number;
  value?: number;
  currency?: string;
}

/** What any event may have. */
export interface Fields {
  /** Without it one is made. */
  event_id?: string;
  /** ms since 1970. */
  timestamp?: number;
  user_data?: UserData;
  user_id?: string | number;
  /** Of this event alone; without it the page's. */
  consent?: Consent | { default?: ConsentDefault | ConsentDefault[]; update?: Consent };
  page?: { location?: string; referrer?: string; title?: string; [field: string]: unknown };
  [field: string]: unknown;
}

type Shop<E> = { ecommerce: E } | (E & { ecommerce?: undefined });

/** The events that have a shape; any other name may have any fields. */
export interface Events {
  page_view: Fields;
  search: Fields & { search_term?: string };
  sign_up: Fields & { method?: string };
  login: Fields & { method?: string };
  generate_lead: Fields & Amount;
  view_item_list: Fields & Shop<Products>;
  select_item: Fields & Shop<Products>;
  view_item: Fields & Shop<Products & Amount>;
  add_to_wishlist: Fields & Shop<Products & Amount>;
  add_to_cart: Fields & Shop<Products & Amount>;
  remove_from_cart: Fields & Shop<Products & Amount>;
  view_cart: Fields & Shop<Products & Amount>;
  begin_checkout: Fields & Shop<Products & Amount>;
  add_shipping_info: Fields & Shop<Products & Amount & { shipping_tier?: string }>;
  add_payment_info: Fields & Shop<Products & Amount & { payment_type?: string }>;
  purchase: Fields & Shop<Order>;
  refund: Fields & Shop<Refund>;
}

/** The fields of an event of this name. */
export type FieldsOf<Name extends string> = Name extends keyof Events ? Events[Name] : Fields;

type Known = { [Name in keyof Events]: { event: Name } & Events[Name] }[keyof Events];

/** gtag's commands, as an array. */
export type Command =
  | ["event", string, Fields?]
  | ["consent", "default", ConsentDefault]
  | ["consent", "update", Consent]
  | ["set", { user_data?: UserData | null; user_id?: string | number | null; [field: string]: unknown }]
  | ["set", "user_data", UserData | null]
  | ["set", "user_id", string | number | null];

/** An event. `push(event("purchase", {...}))` is checked as `track` is. */
export type DataLayerEvent = Known | ({ event: string } & Fields);

/** The data layer takes anything; `gtag.js` and Google's Tag Manager push their own. */
export interface DataLayer {
  push(...pushed: (DataLayerEvent | Command | { event?: undefined; [field: string]: unknown } | IArguments)[]): unknown;
  readonly length: number;
}

export interface TrackOptions {
  /** The name of Meta's standard event: its pixel is called with the same id. */
  pixel?: string;
}

export interface Tagserver {
  /** Push an event; gives its id, or undefined where the data layer is frozen or `t.js` has not come (of other names
   * than purchase). */
  track<Name extends string>(name: Name, fields?: FieldsOf<Name>, options?: TrackOptions): string | undefined;
  /** Send what waits for company. Before `t.js` has come there is no such function. */
  flush?: () => void;
  /** Of the script; undefined until it has come. */
  readonly version?: string;
}

/** Of the package that `tagserver snippet --npm` writes. */
export interface LoadOptions {
  /** Where browsers reach the tag server; without it the one for which this was written. */
  address?: string;
  /** The version that was the present one then, by its hash: the browser runs that and nothing else. */
  fixed?: boolean;
  /** For a policy with nonces; without it that of a script of the page. */
  nonce?: string;
  /** Nothing is sent before the visitor has chosen. */
  consent?: "required";
  /** What could not be posted before the page was closed is posted by the next page. */
  keep?: boolean;
  /** Calls of Meta's pixel are events. */
  pixel?: boolean;
  /** And `fbq("consent", "grant")` is the visitor's own word. */
  pixelConsent?: boolean;
  /** The console shows each event and what the server finds wrong with it. */
  debug?: boolean;
  /** Where to post, relative to `t.js`. */
  endpoint?: string;
}

declare global {
  interface Window {
    /** Undefined where neither the inline lines nor `t.js` have run. */
    tagserver?: Tagserver;
    dataLayer?: DataLayer;
  }
}
