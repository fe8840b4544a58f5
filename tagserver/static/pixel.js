// The page's pixel as a source of events: each call of fbq gets an `eventID` where it has none, and the same event goes
// to the server under the same name and id. t.js loads this file as t/pixel.VERSION.js where its element has
// `data-pixel`:
//
//   data-pixel            listen to fbq
//   data-pixel-consent    fbq("consent", "grant") is the visitor's own word
//
// or where the page has a line of its own for it, which cannot come too late: <script src=".../t/pixel.js"> behind t.js.
//
// A call is no consent. fbq("consent", "revoke") lays a denial of the ad purposes over whatever else was said, until
// "grant"; that alone grants nothing, unless data-pixel-consent says so.
//
// The id of a call is its `eventID`, else that of a purchase that was pushed to the data layer for the same order, else
// purchase_<order_id> for a Purchase, else a UUID version 7, which a Purchase without any number keeps for an hour in
// this tab: a reload is no second sale. What was pushed, too, is not sent again. What has left the pixel's queue before
// this file came has no id that anybody knows, and is not sent.
//
// Nothing here throws into the page, and nothing of the pixel's is replaced for good: `fbq` is a Proxy around whatever the
// page has or will have there, so that the pixel's script finds its stub as it was.
(() => {
  "use strict";

  const HOUR = 36e5;
  const AGAIN = 400; // ms after which to look whether somebody has put another fbq in the place of this
  const KEPT = "ts_pixel"; // in sessionStorage
  const MOST = 20; // purchases that are kept there
  const PURCHASE = "Purchase";
  const CALLS = /^track(Single)?(Custom)?$/;
  const NO_ID = /^\s*(|undefined|null|nan|none|[[({$].*)$/i; // what templates write for a missing one
  const DENIED = { ad_storage: "denied", ad_user_data: "denied", ad_personalization: "denied" };
  const MARK = Symbol.for("tagserver.pixel");

  /** @typedef {{[key: string]: any}} Plain an object that JSON can hold */
  /** @typedef {{id: any, event: any, order: any, value: any, currency: any}} Push */

  const root = /** @type {any} */ (window);
  const { capture, setConsent, snapshot, settings, extra, words } = root.tagserver._;
  const debug = "debug" in settings;
  // A page may name this file itself, behind t.js, and then t.js has it once more.
  if (extra.listens) return;
  extra.listens = true;

  // ── small things ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** @type {Set<string>} */
  const told = new Set();

  /** Once a page. @param {string} sentence */
  const warn = (sentence) => {
    if (!told.has(sentence)) console.warn("[tagserver] pixel:", sentence);
    told.add(sentence);
  };

  /** For who looks for mistakes. @param {...any} details */
  const note = (...details) => debug && console.info("[tagserver] pixel:", ...details);

  /** What `work` gives; nothing that it throws gets any further. @template T @param {() => T} work */
  const safely = (work) => {
    try {
      return work();
    } catch (error) {
      if (debug) console.warn("[tagserver] pixel:", error);
    }
  };

  /** An id as a text, or nothing where it is none. @param {any} value */
  const idOf = (value) =>
    (typeof value === "number" || typeof value === "string") && !NO_ID.test(`${value}`) ? `${value}`.trim() : undefined;
  /** @param {any} value */
  const isObject = (value) => Object(value) === value && typeof value !== "function";
  /** The id that a call brings: the pixel takes either name. @param {any} options */
  const idIn = (options) => {
    const { eventID = null, event_id = null } = options || {};
    return idOf(eventID === null ? event_id : eventID);
  };
  /** @param {any} value */
  const isList = (value) => isObject(value) && /Array|Arguments/.test({}.toString.call(value));
  /** @param {any} value */
  const granted = (value) => /^\s*granted\s*$/i.test(value) || value === true;

  // ── the data layer ────────────────────────────────────────────────────────────────────────────────────────────────
  // t.js has given each event there its id by now.

  /** @returns {any[]} */
  const layer = () => {
    const found = root[settings.layer || "dataLayer"];
    return Array.isArray(found) ? found : [];
  };

  /** The events that were pushed, oldest first. @returns {Push[]} */
  const pushes = () => {
    /** @type {Push[]} */
    const found = [];
    for (const one of layer()) {
      safely(() => {
        const isCommand = isList(one) && one[0] === "event";
        const event = isCommand ? one[1] : isObject(one) && one.event;
        const details = isCommand ? one[2] : one;
        if (!event || !isObject(details)) return;
        const { transaction_id: order, value, currency } = { ...details, ...details.ecommerce };
        found.push({ id: details.event_id, event, order, value, currency });
      });
    }
    return found;
  };

  /** Ids of pushes that a call has had. @type {Set<any>} */
  const paired = new Set();

  /**
   * The push that is the same purchase as a call: of the same order; or, where the call names none, the only one that no
   * other call was, of the same value.
   * @param {any} order @param {Plain} params
   */
  const pushOf = (order, params) => {
    const all = pushes().filter(({ event, id }) => event === "purchase" && idOf(id));
    if (order) return all.find((one) => idOf(one.order) === order);
    const alike = all.filter(
      ({ id, value, currency }) =>
        !paired.has(id) && value !== undefined && +value === +params.value && `${currency}` === `${params.currency}`,
    );
    return alike.length === 1 ? alike[0] : undefined;
  };

  // ── purchases without a number ────────────────────────────────────────────────────────────────────────────────────

  /** Of this page view: by address and parameters. @type {{[key: string]: [id: string, at: number]}} */
  let kept = {};

  /** Whether anything may be kept in the browser: the visitor has said so. */
  const mayKeep = () => {
    const said = words() || {};
    return granted(said.ad_storage) || granted(said.analytics_storage);
  };

  /** @param {string} key */
  const keptId = (key) => {
    if (mayKeep()) safely(() => (kept = { ...JSON.parse(sessionStorage[KEPT] || "{}"), ...kept }));
    const [id, at] = kept[key] || [];
    return Date.now() - /** @type {any} */ (at) < HOUR ? idOf(id) : undefined;
  };

  /** @param {string} key @param {string} id */
  const keep = (key, id) => {
    kept[key] = [id, Date.now()];
    if (!mayKeep()) return;
    const latest = Object.entries(kept).sort(([, one], [, other]) => other[1] - one[1]);
    const some = latest.slice(0, MOST).reduce((all, [key, value]) => ({ ...all, [key]: value }), {});
    safely(() => (sessionStorage[KEPT] = JSON.stringify(some)));
  };

  // ── calls ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Pixels, each with the person of its `init`. @type {Map<string, Plain | undefined>} */
  const pixels = new Map();
  /** The arguments of `dataProcessingOptions`. @type {any[] | undefined} */
  let dpo;
  let viewed = false;
  /** Names and ids of what was sent. @type {Set<string>} */
  const sent = new Set();

  const ids = () => {
    const { getState } = root.fbq || {};
    const state = getState ? safely(() => getState().pixels) : [];
    for (const one of state || []) if (idOf(one.id) && !pixels.has(`${one.id}`)) pixels.set(`${one.id}`, undefined);
    return [...pixels.keys()];
  };

  /** Commands that say something of later calls. @param {any} verb @param {any[]} given */
  const obey = (verb, [first, second, third]) => {
    if (verb === "init" && idOf(first)) {
      const person = snapshot(second);
      pixels.set(`${first}`, Object.keys(person).length ? person : pixels.get(`${first}`));
    }
    if (verb === "dataProcessingOptions") {
      const all = [[].concat(first || []), second, third].map((one) => (one === undefined ? null : one));
      dpo = snapshot({ all }).all;
    }
    if (verb !== "consent") return;
    extra.over = first === "revoke" ? DENIED : undefined;
    if (first === "grant" && "pixelConsent" in settings) {
      setConsent("update", { ad_storage: "granted", ad_user_data: "granted", ad_personalization: "granted" });
    }
  };

  /** Whether the id of a purchase may come in this very task, by a push. @param {ArrayLike<any>} call */
  const mayWait = (call) =>
    safely(() => {
      const at = /Single/.test(call[0]) ? 2 : 1;
      return (
        CALLS.test(call[0]) && call[at] === PURCHASE && !idIn(call[at + 2]) && !pushFor(call[at + 1])
      );
    });

  /** @param {any} given parameters of a call */
  const pushFor = (given) => {
    const params = snapshot(given);
    return pushOf(idOf(params.order_id) || idOf(params.transaction_id), params);
  };

  /**
   * Read a call, give it an id, and send it. What it is given in place of its arguments is written into them.
   * @param {any} call its arguments, or the list that was pushed
   */
  const read = (call) => {
    const verb = call[0];
    if (!CALLS.test(verb)) return obey(verb, [].slice.call(call, 1));
    const at = /Single/.test(verb) ? 2 : 1;
    const [name, given, options] = [call[at], call[at + 1], call[at + 2]];
    if (typeof name !== "string" || !name) return;
    const params = snapshot(given);
    const order = idOf(params.order_id) || idOf(params.transaction_id);
    const push = name === PURCHASE ? pushOf(order, params) : undefined;
    const own = idIn(options);
    const key = `${location.href.split("#")[0]}\n${JSON.stringify(params)}`;
    const single = at > 1 ? `${call[1]}` : undefined;
    const id = own || (push && idOf(push.id)) || (name === PURCHASE && (order ? `purchase_${order}` : keptId(key)));
    /** @type {Plain} */
    const event = { event: name, fbq: { call: verb, name, pixels: single ? [single] : ids(), params, dpo } };
    if (id) event.event_id = id;
    const person = single ? pixels.get(single) : [...pixels.values()].filter(Boolean).pop();
    if (person) event.fbq.user_data = person;
    const send = capture(event, name, false); // and now it has an id
    if (push) paired.add(push.id);
    if (!own) {
      call[at + 2] = { ...(isObject(options) ? options : {}), eventID: event.event_id };
      if (call.length < at + 3) call.length = at + 3;
      if (!id && name === PURCHASE) keep(key, event.event_id);
    } else if (push && own !== idOf(push.id)) warn(`Purchase has another eventID than the purchase that was pushed`);
    if (push || (own && pushes().some((one) => idOf(one.id) === own))) return note(name, "was pushed", event.event_id);
    const known = `${name}\n${event.event_id}\n${single}`; // a page may call each of its pixels by itself
    if (sent.has(known)) return note(name, "once more", event.event_id);
    // The pixel sends one a load, unless the page says otherwise (to those with an id of one pixel it always does).
    if (name === "PageView" && !single) {
      if (viewed && !safely(() => root.fbq.allowDuplicatePageViews)) return note("another PageView, which is not sent");
      viewed = true;
    }
    sent.add(known);
    note(name, event.event_id);
    if (debug) judge();
    send();
  };

  /** Say why nothing will leave: for the page's developer. */
  const judge = () => {
    if (extra.over === DENIED) return note("revoked: no copy is sent on for ads until fbq('consent', 'grant')");
    const tool = root.__tcfapi || root.__gpp || root.__uspapi;
    const mode = layer().some((one) => safely(() => one[0] === "consent"));
    if (tool || mode || words()) return;
    warn(
      "no signal of consent in this page (Consent Mode, TCF, GPP, US Privacy). Unless a consent tool's cookie reaches " +
        "the server, nothing is sent where consent is needed; a call of fbq is none",
    );
  };

  /** The call within what fbq was given: fbq.push([...]) gives one list. @param {any[]} given */
  const callIn = (given) => (given.length === 1 && isList(given[0]) ? given[0] : given);

  /** Read what fbq was given. Gives what the pixel is to get. @param {any[]} given */
  const readAll = (given) => {
    const call = callIn(given);
    const copy = call === given ? given : [].slice.call(call);
    safely(() => read(copy));
    if (call === given || Array.isArray(call)) return call === given ? given : [copy];
    safely(() => Object.assign(call, copy, { length: copy.length })); // gtag's way of keeping arguments
    return given;
  };

  // ── fbq ───────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** By what they stand for. @type {WeakMap<object, any>} */
  const proxies = new WeakMap();
  /** Calls behind a purchase whose id may come in this very task; they keep their order. @type {(() => void)[]} */
  let waiting = [];
  let inside = false;

  const flush = () => {
    const all = waiting;
    waiting = [];
    all.forEach(safely);
  };

  /** @param {any} target @param {any} self @param {any[]} given */
  const go = (target, self, given) => {
    // Another script may have wrapped this one in its own: then the outer one has read the call.
    if (inside) return Reflect.apply(target, self, given);
    inside = true;
    try {
      return Reflect.apply(target, self, readAll(given));
    } finally {
      inside = false;
    }
  };

  /** @type {ProxyHandler<any>} */
  const handler = {
    apply(target, self, given) {
      if (inside || !(waiting.length || mayWait(callIn(given)))) return go(target, self, given);
      if (waiting.push(() => go(target, self, given)) === 1) Promise.resolve().then(flush);
    },
    get(target, key, self) {
      if (key === MARK) return true;
      const found = Reflect.get(target, key, target);
      if (key !== "push" || typeof found !== "function") return found;
      const fixed = Reflect.getOwnPropertyDescriptor(target, key);
      return fixed && !fixed.configurable && !fixed.writable ? found : wrap(found);
    },
  };

  /** @param {any} target */
  const wrap = (target) => {
    if (typeof target !== "function" || safely(() => target[MARK])) return target;
    let proxy = proxies.get(target);
    if (!proxy) {
      proxies.set(target, (proxy = new Proxy(target, handler)));
      safely(() => drain(target));
    }
    return proxy;
  };

  /** What waits in the stub's queue gets its ids there, before the pixel's script takes it out. @param {any} target */
  const drain = (target) => {
    const { queue, instance, callMethod } = target;
    // It was revoked before this file came, as far as the pixel's script shows it.
    const locks = safely(() => (instance || { locks: {} }).locks._locks);
    if (isObject(locks) && "consent" in locks) extra.over = DENIED;
    for (const given of isList(queue) ? [].slice.call(queue) : []) {
      if (isList(given)) safely(() => read(callIn(given)));
    }
    if (!callMethod || !target.getState) return;
    const counts = safely(() => target.getState().pixels.map((/** @type {any} */ one) => +one.eventCount || 0)) || [];
    const missed = Math.max(0, ...counts);
    viewed = viewed || missed > 0; // its PageView is mostly the first
    if (debug && missed) warn(`it was quicker than t.js: ${missed} calls are not sent. Place t.js above the pixel, and t/pixel.js behind t.js`);
  };

  // The pixel's script compares both names, and warns where they are not one thing.
  const NAMES = ["fbq", "_fbq"];
  /** What the page has put there, by name. @type {Plain} */
  const current = {};

  /** Stand before whatever has this name, or will have it. @param {string} name */
  const take = (name) => {
    const now = root[name];
    if (typeof now === "function" && !now[MARK]) {
      current[name] = wrap(now);
      safely(() => (root[name] = current[name]));
    }
    const described = Object.getOwnPropertyDescriptor(root, name);
    if (described && !(described.configurable && "value" in described)) return;
    if (described) current[name] = described.value;
    Object.defineProperty(root, name, {
      configurable: true,
      enumerable: true,
      get: () => current[name],
      set: (value) => {
        current[name] = value;
        safely(() => (current[name] = wrap(value)));
      },
    });
  };

  const look = () => NAMES.forEach((name) => safely(() => take(name)));

  look();
  setInterval(look, AGAIN);
})();
