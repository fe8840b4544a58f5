// tagserver's browser client: what a page pushes to its data layer is posted to /collect of its own server.
//
//   <script async src="https://tags.shop.example/t.js"></script>
//
// There is no stub and no inline code: the data layer array is the queue until this file has come. Settings:
//   data-endpoint   address to post to, relative to this file (default: /collect)
//   data-layer      name of the data layer (default: dataLayer)
//   data-consent    "required": nothing leaves before the visitor has chosen (see "consent" below)
//   data-debug      say in the console what is sent and what the server finds wrong with it
//
// What is taken: objects with an `event`, and gtag's commands `event`, `consent` and `set`; not `gtm.*`, functions, or
// other commands. An event is sent as the object that was pushed; earlier pushes are not merged into it, as GTM would.
// The exception: `user_data` and `user_id` of pushes without an event, and of gtag("set", ...), are remembered for later
// events that have none of their own. Each is replaced as a whole, so that two people are never mixed; null forgets it.
//
// The id of an event is the `event_id` given, else purchase_<transaction_id> for a purchase, else a new UUID version 7.
// It is written onto the pushed object (for gtag: onto its parameters) before GTM, or anything else that was there
// earlier, sees it. Code that uses Meta's pixel unchanged reads it back:
//
//   const pushed = {event: "purchase", ecommerce: {...}};
//   dataLayer.push(pushed);
//   fbq("track", "Purchase", {value, currency}, {eventID: pushed.event_id});
//
// or lets tagserver.track("purchase", {ecommerce: {...}}, {pixel: "Purchase"}) do both; it returns the id. Whether the
// pixel may run is said to the pixel, by fbq("consent", ...). An event pushed before this file came may have been read
// without its id: where that can happen, let the page itself set `event_id`.
//
// Delivery is at least once while the page lives: the server knows an id that comes twice. Nothing is kept in
// localStorage in this version: what could not be sent before the page is closed is lost. Nothing here throws into the
// page.
(() => {
  "use strict";

  const LINGER = 400; // ms that an event may wait for company
  const FULL = 20; // events
  const HEAVY = 48 << 10; // bytes of the events in one request
  const KEEPALIVE = 60000; // bytes in flight; browsers allow all scripts of a page together 64 KiB
  const TRIES = 10;
  const HELD = 200; // events that may wait for consent
  const DEPTH = 8;
  const VALUES = 2000; // in one event, as on the server
  const COPIED = 20000; // values that are looked at
  const LARGE = 32 << 10; // bytes of one event
  const URGENT = /purchase|order|refund|lead|sign_?up|subscri/i; // often followed by a redirect
  const COOKIES = (
    "_fbp _fbc _gcl_aw _gcl_ag _gcl_gb _ttp ttclid _epik _scid _scclid li_fat_id " +
    "_rdt_uuid _rdt_cid _uetmsclkid _twclid _ga"
  ).split(" ");
  const UNSAFE = ["__proto__", "constructor", "prototype"];
  const PERSON = ["user_data", "user_id"];

  /**
   * @typedef {{[key: string]: any}} Plain an object that JSON can hold
   * @typedef {{event: Plain, page: Plain}} Captured an event, and the page at the time of its push
   * @typedef {{ctx: Plain, texts: string[], bytes: number, tries: number, timer: number}} Batch
   */

  const script = /** @type {HTMLScriptElement | null} */ (document.currentScript);
  const root = /** @type {any} */ (window);
  // An element with this id would be found under the name, too: only ours can track.
  if (!script || (root.tagserver && root.tagserver.track)) return;
  const settings = script.dataset;
  const debug = "debug" in settings;
  let endpoint = "";

  // ── small things ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** @type {Set<string>} */
  const told = new Set();

  /** Warn, each sentence once a page. @param {string} sentence @param {...any} details */
  const warn = (sentence, ...details) => {
    if (!debug && told.has(sentence)) return;
    told.add(sentence);
    console.warn("[tagserver] " + sentence, ...details);
  };

  /** @param {string} sentence @param {...any} details */
  const note = (sentence, ...details) => {
    if (debug) console.debug("[tagserver] " + sentence, ...details);
  };

  /** What `work` gives; nothing that it throws gets any further. @param {() => any} work @param {any} [otherwise] */
  const safely = (work, otherwise) => {
    try {
      return work();
    } catch (error) {
      warn("something went wrong", error);
      return otherwise;
    }
  };

  /** @param {any} value */
  const missing = (value) => value === undefined || value === null || value === "";
  /** @param {any} value */
  const kind = (value) => Object.prototype.toString.call(value).slice(8, -1);
  /** @param {string} text */
  const size = (text) => new TextEncoder().encode(text).length;

  /** RFC 9562, section 5.7. `randomUUID` and `subtle` do not exist on plain http. */
  const uuid7 = () => {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    for (let at = 5, time = Date.now(); at >= 0; at--, time = Math.floor(time / 256)) bytes[at] = time % 256;
    bytes[6] = (bytes[6] & 15) | 112;
    bytes[8] = (bytes[8] & 63) | 128;
    const digits = Array.from(bytes, (byte) => (byte + 256).toString(16).slice(1)).join("");
    return digits.replace(/(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  };

  let room = 0;

  /**
   * A copy of what JSON can hold. Left out: functions, DOM nodes and other live things, what would end in a circle,
   * what lies too deep, and keys that could reach a prototype.
   * @param {any} value
   * @param {any[]} above the objects that it lies in
   * @returns {any}
   */
  const plain = (value, above) => {
    const type = typeof value;
    if (value === null || type === "string" || type === "boolean") return value;
    if (type === "number") return isFinite(value) ? value : undefined;
    if (type === "bigint") return String(value);
    if (type !== "object" || above.length >= DEPTH || above.includes(value)) return undefined;
    const is = kind(value);
    if (is === "Date") return isNaN(value) ? undefined : value.toISOString();
    if (is !== "Array" && is !== "Object") return undefined;
    /** @type {any} */
    const copy = is === "Array" ? [] : {};
    for (const key of Object.keys(value)) {
      if (UNSAFE.includes(key)) continue;
      if (room-- <= 0) break;
      const one = safely(() => plain(value[key], above.concat([value])));
      if (one === undefined) continue;
      if (is === "Array") copy.push(one);
      else copy[key] = one;
    }
    return copy;
  };

  /** A plain copy of an object; empty for anything else. @param {any} value @returns {Plain} */
  const snapshot = (value) => {
    room = COPIED;
    return (kind(value) === "Object" && plain(value, [])) || {};
  };

  // ── consent ───────────────────────────────────────────────────────────────────────────────────────────────────────
  // What gtag('consent', ...) has said so far goes along with each event; a `consent` of its own goes before it. With
  // data-consent="required" events wait in memory for an update (a default is not a choice) and then say what was
  // chosen; when neither an ad purpose nor analytics was granted, they are dropped. An event with a consent of its own
  // does not wait.

  /** @type {Plain[]} */
  const defaults = [];
  /** @type {Plain | undefined} */
  let update;
  /** @type {Captured[]} */
  let held = [];

  /** @param {any} value */
  const granted = (value) => value === true || String(value).trim().toLowerCase() === "granted";

  /** @param {any} verb @param {any} said */
  const setConsent = (verb, said) => {
    const state = snapshot(said);
    if (verb === "default") {
      const region = JSON.stringify(state.region);
      const known = defaults.find((one) => JSON.stringify(one.region) === region);
      if (known) Object.assign(known, state);
      else defaults.push(state);
    } else if (verb === "update") {
      update = Object.assign({}, update, state);
      const released = held;
      held = [];
      released.forEach(admit);
    }
  };

  /** Whether ad storage is granted, for all that the page knows: by the update, else by every default that names it. */
  const adStorage = () => {
    const said = [update || {}, ...defaults].filter((one) => "ad_storage" in one);
    return said.length > 0 && (said[0] === update ? [update] : said).every((one) => granted(one.ad_storage));
  };

  /** The cookies that ad networks' ids are kept in. @returns {Plain | undefined} */
  const cookies = () => {
    /** @type {Plain | undefined} */
    let found;
    if (!adStorage()) return found;
    for (const pair of safely(() => document.cookie, "").split("; ")) {
      const [name, ...rest] = pair.split("=");
      const value = rest.join("=");
      if (!COOKIES.includes(name) || (found && name in found)) continue;
      found = Object.assign(found || {}, { [name]: safely(() => decodeURIComponent(value), value) });
    }
    return found;
  };

  // What a TCF consent tool said last goes along, too. It may come later than this file, and is looked for at each event.

  /** @type {Plain | undefined} */
  let tcf;
  const listen = () => {
    if (tcf || !root.__tcfapi) return;
    tcf = {};
    root.__tcfapi("addEventListener", 2, (/** @type {any} */ said) => {
      // While the visitor is being asked there is a string, too; it says nothing yet.
      if (said.eventStatus === "cmpuishown") return;
      tcf = { gdpr: said.gdprApplies, tcf: said.tcString, addtl_consent: said.addtlConsent };
    });
  };

  // ── events ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** @type {Plain} */
  const person = {};
  /** What we wrote onto objects: the same object pushed again is another event. @type {WeakMap<object, string>} */
  const minted = new WeakMap();

  /** @param {Plain} pushed */
  const remember = (pushed) => {
    const known = snapshot(pushed);
    for (const key of PERSON) if (key in known) person[key] = known[key];
  };

  /** The event's id, which is now also on `pushed`. @param {Plain} pushed @param {string} name */
  const identify = (pushed, name) => {
    const given = pushed.event_id;
    if (!missing(given) && minted.get(pushed) !== given) return given;
    const order = [(pushed.ecommerce || {}).transaction_id, pushed.transaction_id].find((one) => !missing(one));
    const isOrder = name === "purchase" && (typeof order === "string" || typeof order === "number");
    const id = isOrder ? `purchase_${order}` : uuid7();
    minted.set(pushed, id);
    Reflect.set(pushed, "event_id", id); // of a frozen object it says false, where an assignment would throw
    return id;
  };

  /** @param {Plain} pushed @param {string} name */
  const capture = (pushed, name) => {
    const id = identify(pushed, name);
    const event = Object.assign(snapshot(pushed), snapshot({ event: name, event_id: id }));
    for (const key of PERSON) if (!(key in event) && !missing(person[key])) event[key] = person[key];
    if (missing(event.timestamp)) event.timestamp = Date.now();
    if (/** @type {any} */ (navigator).globalPrivacyControl === true) event.gpc = true;
    safely(listen);
    Object.assign(event, Object.assign({}, tcf, event));
    admit({ event, page: { location: location.href, referrer: document.referrer, title: document.title } });
  };

  /** Let an event through to the queue, or hold it, or drop it, as consent says. @param {Captured} captured */
  const admit = (captured) => {
    const { event } = captured;
    if (missing(event.consent)) {
      const said = update;
      if (settings.consent === "required") {
        if (!said) {
          held.push(captured);
          if (held.length > HELD) held.shift();
          return note(`${event.event} waits for consent`);
        }
        if (!Object.keys(said).some((key) => /^(ad|analytics)_/.test(key) && granted(said[key]))) {
          return note(`${event.event} is dropped: consent was denied`);
        }
      }
      if (said || defaults[0]) event.consent = { default: defaults[1] ? defaults : defaults[0], update: said };
    }
    enqueue(captured);
  };

  /** The event's JSON. What weighs most is left out until it is not too large, and named. @param {Plain} event */
  const write = (event) => {
    /** @param {any} value */
    const weight = (value) => (JSON.stringify(value) || "").length;
    for (let cut = 0; cut < 20; cut++) {
      const text = JSON.stringify(event);
      // Each value stands behind one of these.
      if (size(text) <= LARGE && text.split(/[,[{]/).length <= VALUES) return text;
      let [within, path] = [event, ""];
      for (;;) {
        const place = within;
        const key = Object.keys(place).reduce((most, one) => (weight(place[one]) > weight(place[most]) ? one : most));
        path += key;
        if (kind(within[key]) !== "Object") {
          delete within[key];
          break;
        }
        within = within[key];
        path += ".";
      }
      event.truncated = (event.truncated || []).concat(path);
      warn("an event is too large; left out:", path);
    }
    return "";
  };

  // ── queue ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** @type {Batch | undefined} */
  let pending;
  /** Those to be tried again. @type {Set<Batch>} */
  const waiting = new Set();
  let timer = 0;
  let inFlight = 0;

  /** @param {Captured} captured */
  const enqueue = ({ event, page }) => {
    const cookie = cookies();
    // The page's parts are overridden by the event's; cookies could not be taken back.
    if (pending && JSON.stringify(pending.ctx.cookie) !== JSON.stringify(cookie)) flush();
    const ctx = pending ? pending.ctx : { page, language: navigator.language, cookie };
    for (const part of Object.keys(page)) {
      if (page[part] === ctx.page[part] || `page_${part}` in event) continue;
      if (missing(event.page)) event.page = {};
      if (kind(event.page) === "Object" && !(part in event.page)) event.page[part] = page[part];
    }
    const text = write(event);
    if (!text) return warn("an event is too large, and dropped");
    const bytes = size(text);
    if (pending && pending.bytes + bytes > HEAVY) {
      flush();
      return enqueue({ event, page });
    }
    pending = pending || { ctx, texts: [], bytes: 0, tries: 0, timer: 0 };
    pending.texts.push(text);
    pending.bytes += bytes;
    if (URGENT.test(event.event) || pending.texts.length >= FULL) flush();
    else timer = timer || setTimeout(() => safely(flush), LINGER);
  };

  /** Send what is queued. */
  const flush = () => {
    clearTimeout(timer);
    timer = 0;
    const batch = pending;
    pending = undefined;
    if (batch) send(batch);
  };

  /** Try again at once what is waiting for its next try. */
  const hurry = () => waiting.forEach(send);

  /**
   * A string body makes this a request without preflight: a preflight is not answered any more once the page is gone.
   * @param {Batch} batch
   */
  const send = async (batch) => {
    waiting.delete(batch);
    clearTimeout(batch.timer);
    batch.tries++;
    const body = `{"v":1,"sent":${Date.now()},"ctx":${JSON.stringify(batch.ctx)},"events":[${batch.texts}]}`;
    const bytes = size(body);
    const keepalive = inFlight + bytes <= KEEPALIVE;
    if (keepalive) inFlight += bytes;
    let [status, after, answer] = [0, 0, ""];
    try {
      const response = await fetch(endpoint, { method: "POST", body, keepalive, credentials: "include" });
      status = response.status;
      after = Number(response.headers.get("retry-after")) || 0;
      answer = await response.text();
    } catch (error) {
      note("no answer", error);
    }
    if (keepalive) inFlight -= bytes;
    safely(() => settle(batch, status, after, answer));
  };

  /**
   * `status` is 0 without an answer, `after` is in seconds.
   * @param {Batch} batch
   * @param {number} status
   * @param {number} after
   * @param {string} answer
   */
  const settle = (batch, status, after, answer) => {
    const problems = debug ? [answer] : [];
    if (status >= 200 && status < 300) return note(`${batch.texts.length} sent:`, ...problems);
    if (status && status < 500 && status !== 429 && status !== 408) {
      return warn(`events are refused (HTTP ${status}) and dropped`, ...problems);
    }
    if (batch.tries >= TRIES) return warn("events cannot be sent, and are dropped");
    const wished = Math.min(after, 3600) * (1 + Math.random() / 5);
    const pause = wished > 0 ? wished : 2 ** batch.tries * (0.25 + Math.random() / 4);
    note(`HTTP ${status}; next try in ${Math.round(pause)} s`);
    waiting.add(batch);
    batch.timer = setTimeout(() => send(batch), pause * 1000);
  };

  // ── data layer ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** @param {any} name */
  const isOurs = (name) => typeof name === "string" && name !== "" && !name.startsWith("gtm.");

  /** @param {any} pushed */
  const observe = (pushed) => {
    const is = kind(pushed);
    if (is === "Object") {
      if (isOurs(pushed.event)) capture(pushed, pushed.event);
      else if (missing(pushed.event)) remember(pushed);
    } else if (is === "Arguments" || is === "Array") {
      const [verb, subject, details] = pushed;
      if (verb === "consent") setConsent(subject, details);
      if (verb === "set") remember(typeof subject === "string" ? { [subject]: details } : subject);
      if (verb === "event" && isOurs(subject)) {
        if (missing(details)) {
          pushed[2] = {};
          pushed.length = 3;
        }
        if (kind(pushed[2]) === "Object") capture(pushed[2], subject);
      }
    }
  };

  safely(() => {
    endpoint = new URL(settings.endpoint || "/collect", script.src).href;
    const name = settings.layer || "dataLayer";
    /** @type {any[]} */
    const layer = (root[name] = root[name] || []);
    const before = layer.push;
    let seen = 0;
    const read = () => {
      while (seen < layer.length) safely(() => observe(layer[seen++]));
    };
    read();

    let wrapped = true;
    try {
      layer.push = function () {
        for (const one of arguments) safely(() => observe(one));
        return before.apply(layer, /** @type {any} */ (arguments));
      };
    } catch (error) {
      wrapped = false;
      warn(`${name}.push cannot be wrapped; event_id comes late`);
      setInterval(read, LINGER);
    }

    /** What has been pushed is sent now. */
    const sendAll = () => {
      if (!wrapped) read();
      safely(flush);
    };

    root.tagserver = {
      /**
       * Push an event, and perhaps call Meta's pixel with the same id.
       * @param {string} name
       * @param {Plain} [params] the event's other fields
       * @param {{pixel?: string}} [options] `pixel`: the name of the pixel's standard event
       */
      track(name, params, options) {
        const event = Object.assign({}, params, { event: name });
        safely(() => {
          layer.push(event);
          if (!wrapped) read();
          const standard = options && options.pixel;
          if (!standard || !root.fbq) return;
          // The pixel wants value and currency at the top, and must not get the person in its address.
          const shown = Object.assign({}, event.ecommerce, event);
          for (const key of ["event", "event_id", "ecommerce", "consent", ...PERSON]) delete shown[key];
          root.fbq("track", standard, shown, { eventID: event.event_id });
        });
        return event.event_id;
      },
      flush: sendAll,
      version: "unbuilt",
    };

    // Not `unload`: it would keep the page out of the back/forward cache. On leaving, pagehide comes first.
    addEventListener("pagehide", () => {
      sendAll();
      hurry();
    });
    addEventListener("online", hurry);
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") sendAll();
    });
  });
})();
