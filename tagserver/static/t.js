// tagserver's browser client: what a page pushes to its data layer is posted to /collect of its own server.
//
//   <script async src="https://tags.shop.example/t.js"></script>
//
// The data layer array is the queue until this file has come; with stub.js before it a purchase has its id by then, and
// tagserver.track can be called. Settings:
//   data-endpoint   address to post to, relative to this file (default: collect, beside t.js)
//   data-layer      name of the data layer (default: dataLayer)
//   data-consent    "required": nothing leaves before the visitor has chosen (see "consent" below)
//   data-keep       where the visitor allows storage, what could not be posted is kept there for 24 hours (keep.js)
//   data-pixel      calls of Meta's pixel are events, too (pixel.js); place it above the pixel then, without async
//   data-pixel-consent    and the pixel's "grant" is the visitor's own word
//   data-debug      say in the console what is sent and what the server finds wrong with it
//
// What is taken: objects with an `event`, objects with what Universal Analytics has in `ecommerce`, and gtag's commands
// `event`, `consent` and `set`; not `gtm.*`, functions, or other commands. An event is sent as the object that was pushed; earlier pushes are not merged into it, as GTM would.
// The exception: `user_data` and `user_id` of pushes without an event, and of gtag("set", ...), are remembered for later
// events that have none of their own. Each is replaced as a whole, so that two people are never mixed; null forgets it.
//
// The id of an event is the `event_id` given, else purchase_<transaction_id> for a purchase, else a new UUID version 7.
// An order that is called `undefined`, or is a template that nobody filled, has no number: all of them would be one.
// It is written onto the pushed object (for gtag: onto its parameters) before GTM, or anything else that was there
// earlier, sees it. Code that uses Meta's pixel unchanged reads it back:
//
//   const pushed = {event: "purchase", ecommerce: {...}};
//   dataLayer.push(pushed);
//   fbq("track", "Purchase", {value, currency}, {eventID: pushed.event_id});
//
// or lets tagserver.track("purchase", {ecommerce: {...}}, {pixel: "Purchase"}) do both; it returns the id.
//
// Delivery is at least once while the page lives: the server knows an id that comes twice. Nothing here throws into the
// page. As it is served, minified and packed, the file is at most 4 KB (tests/browser/test_build.py). What few pages
// need stands in second files, which lie beside it as t/NAME.VERSION.js:
//   more.js         where a consent tool has an interface (TCF, GPP, US Privacy), where Meta's pixel is, and where an
//                   event is too large; it loads the others
//   keep.js         with data-keep
//   pixel.js        with data-pixel
//   preview.js      for who opened the page by a preview link (`?ts_preview=`)
// Where they are blocked events go on: as if consent tools had refused (`gdpr` without a string), however large, without
// calls of the pixel.
(() => {
  const LINGER = 400; // ms that an event may wait for company
  const URGENT = /purchase|order|refund|lead|sign_?up|subscri/i; // often followed by a redirect
  const COOKIES =
    /(?:^|; )(_fb[cp]|_gcl_[ag][wgb]|_ttp|ttclid|_epik|_sc\w*id|li_fat_id|_rdt_\w+id|_uetmsclkid|_twclid|_ga)=([^;]*)/g;
  const UNSAFE = /^(__proto__|constructor|prototype)$/;
  const CHOICE = /^(ad|analytics)_/; // purposes that are worth waiting for
  // Of keys that Universal Analytics has in `ecommerce`, often without an event beside it: the server names it.
  const UNNAMED = /purchase|imp|promo|click|det|refund|check|rem|add/;
  const NO_ORDER = /^(|undefined|null|nan|none|[[({$].*)$/i; // what templates write for a missing one

  /**
   * @typedef {{[key: string]: any}} Plain an object that JSON can hold
   * @typedef {[event: Plain, page: Plain, pixel?: string]} Captured an event, the page at the time of its push, and the
   *   name under which Meta's pixel gets it
   */

  const keysOf = Object.keys;
  const root = /** @type {any} */ (window);
  /** Whether fetch outlives the page; a beacon does where it does not. */
  const KEEPS = root.fetch && "keepalive" in Request.prototype;
  const before = root.tagserver || {}; // the stub, ourselves, or an element of this id
  const script = /** @type {HTMLScriptElement | null} */ (document.currentScript);
  const settings = script ? script.dataset : {};
  const debug = "debug" in settings;
  /** `window.tagserver`. @type {any} */
  let api;

  // ── small things ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** @type {Set<string>} */
  const told = new Set();

  /** Warn, each sentence once a page. @param {string} sentence @param {...any} details */
  const warn = (sentence, ...details) => {
    if (debug || !told.has(sentence)) console.warn("[tagserver]", sentence, ...details);
    told.add(sentence);
  };

  /** @param {...any} details */
  const note = (...details) => debug && console.info("[tagserver]", ...details);

  /** @param {() => any} work @param {number} [wait] ms */
  const later = (work, wait) => setTimeout(safely, wait, work);

  /** What `work` gives; nothing that it throws gets any further. @param {() => any} work */
  const safely = (work) => {
    try {
      return work();
    } catch (error) {
      warn("error", error);
    }
  };

  /** @param {(() => any) | undefined} work */
  const run = (work) => work && safely(work);

  /** @param {any} value */
  const missing = (value) => value === undefined || value === null || value === "";
  /** @param {any} value */
  const kind = (value) => ({}).toString.call(value).slice(8, -1);
  /** @param {any} value */
  const isObject = (value) => kind(value) === "Object";
  /** An event, and its order's fields beside it. @param {Plain} event @returns {Plain} */
  const flat = (event) => ({ ...event, ...event.ecommerce });
  /** Give an event what it does not have itself. @param {Plain} event @param {Plain} more */
  const under = (event, more) => Object.assign(event, { ...more, ...event });
  /** @param {string} text */
  const size = (text) => new Blob([text]).size;

  /** RFC 9562, section 5.7 (of the variant's digit the random bits are fixed). `randomUUID` does not exist on plain
   * http; where there is no source of chance at all it guesses. */
  const uuid7 = () => {
    const time = "0" + Date.now().toString(16);
    return `${time.slice(0, 8)}-${time.slice(8)}-7xxx-9xxx-xxxxxxxxxxxx`.replace(/x/g, () => {
      return ((root.crypto ? crypto.getRandomValues(new Uint8Array(1))[0] : Math.random() * 16) & 15).toString(16);
    });
  };

  let room = 0;

  /**
   * A copy of what JSON can hold, as JSON would write it. Left out: functions, DOM nodes and other live things, what
   * would end in a circle, what lies too deep, and keys that could reach a prototype.
   * @param {any} value
   * @param {any[]} above the objects that it lies in
   * @returns {any}
   */
  const plain = (value, above) => {
    const is = kind(value);
    if (/^(Str|Num|Boo|Nul|Und)/.test(is)) {
      const bare = value && value.valueOf(); // of `new Number(7)`, too
      return is === "Number" && !isFinite(bare) ? undefined : bare;
    }
    if (is === "BigInt") return String(value);
    if (above.length > 7 || above.includes(value)) return;
    const within = [...above, value];
    if (is !== "Array") {
      // Old libraries put a toJSON onto all objects and lists, which writes texts.
      const written = value.toJSON && value.toJSON !== /** @type {any} */ ({}).toJSON ? value.toJSON() : value;
      if (written !== value) return written === null ? undefined : plain(written, within);
      if (is !== "Object") return;
    }
    /** @type {any} */
    const copy = is === "Array" ? [] : {};
    for (const key of keysOf(value)) {
      if (UNSAFE.test(key)) continue;
      if (room-- <= 0) break;
      const one = safely(() => plain(value[key], within));
      if (one === undefined) continue;
      if (is === "Array") copy.push(one);
      else copy[key] = one;
    }
    return copy;
  };

  /** A plain copy of an object; empty for anything else. @param {any} value @returns {Plain} */
  const snapshot = (value) => {
    room = 2e4; // values that are looked at
    const copy = isObject(value) && plain(value, []);
    return isObject(copy) ? copy : {};
  };

  /** JSON of what `plain` gives, whatever a page has put onto prototypes. @param {any} value @returns {string} */
  const json = (value) => {
    const is = kind(value);
    if (is === "Array") return `[${value.map((/** @type {any} */ one) => json(one))}]`;
    if (is !== "Object") return JSON.stringify(value);
    const keys = keysOf(value).filter((key) => value[key] !== undefined);
    return `{${keys.map((key) => JSON.stringify(key) + ":" + json(value[key]))}}`;
  };

  // ── second files ──────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * What they do, by its name. more.js: `listen` asks consent tools, `cut` makes an event's JSON small enough, `pixel`
   * calls Meta's, `load` has another file. keep.js: `keep` hears of each batch that it is being sent (1), was answered
   * (-1), or has to be sent again (0). They work with what `tagserver._` holds (at the end of this file).
   * @type {{[name: string]: any}}
   */
  const extra = { keep() {}, pixel() {}, load: (/** @type {string} */ name, /** @type {any} */ then) => run(then) };
  /** What is to be done once more.js has run, or will not: then this is 0. The first one has it loaded. @type {any} */
  let waiting = [];
  let base = "";

  /** No longer waiting for it. */
  const end = () => {
    const all = waiting;
    waiting = 0;
    if (all) all.forEach(run);
  };

  /** Do something once more.js is here, or will not come. @param {() => any} [work] */
  const more = (work) => {
    if (!waiting) return run(work);
    if (waiting.push(work) > 1) return;
    try {
      const types = root.trustedTypes;
      const policy = { createScriptURL: String };
      extra.policy = types ? types.createPolicy("tagserver", policy) : policy;
      const element = document.createElement("script");
      element.onload = end;
      element.onerror = () => {
        warn("more.js is blocked");
        end();
      };
      element.nonce = /** @type {any} */ (script).nonce;
      element.crossOrigin = ""; // a hash needs CORS
      // So that a page that names this file by its hash runs nothing else. more.js has those of the others.
      element.integrity = "hash of more";
      element.src = extra.policy.createScriptURL(new URL(`t/more.${api.version}.js`, base));
      document.head.append(element);
    } catch (error) {
      warn("error", error);
      end();
    }
  };

  // ── consent ───────────────────────────────────────────────────────────────────────────────────────────────────────
  // What gtag('consent', ...) and a TCF tool have said so far goes along with each event; a `consent` of its own goes
  // before it. An event without one waits in memory: with `wait_for_update` of a default for that time or until the
  // visitor has chosen, with data-consent="required" until then (a default is not a choice; when neither an ad purpose
  // nor analytics was granted, it is dropped), and on a page that is only prerendered until it is shown. All that is
  // said in one task is one choice. What was sent before it was known may wait at the server, by the id of this page
  // view: then a choice is posted at once.

  /** By their regions. @type {Plain} */
  const defaults = {};
  /** @type {Plain | undefined} */
  let update;
  /** @type {Captured[]} */
  let held = [];
  let until = 0; // a default asks to wait; not 0: something may wait at the server
  /** @type {boolean | undefined} */
  let chosen;
  let choosing = 0;
  /** What was said with the last event. @type {string | undefined} */
  let sent;

  /** What consent tools say: fields of every event. @type {Plain} */
  let signals = {};
  /** There is such a tool, and more.js has not asked it yet. @type {boolean | undefined} */
  let unread;
  /** Whether one of them has said that nothing is allowed. @type {any} */
  let refused;

  /** @param {any} value */
  const granted = (value) => /^("\s*granted\s*"|true)$/i.test(json(value));
  /** What the visitor has said, and over it what a second file says: the pixel's, where a page has revoked it. */
  const words = () => (extra.over ? { ...update, ...extra.over } : update);
  const state = () => json([words() || 0, signals]);

  const choose = () => {
    choosing = choosing || later(decide);
  };
  const decide = () => {
    choosing = 0;
    chosen = true;
    release(); // which may say it
    if (until && sent && sent !== state()) admit({ event: "consent", event_id: uuid7() }, where());
    flush();
  };
  const release = () => {
    const all = held;
    held = [];
    for (const one of all) admit(...one);
  };

  /** @param {any} verb @param {any} said */
  const setConsent = (verb, said) => {
    const words = snapshot(said);
    const keys = keysOf(words);
    if (verb === "default") {
      const region = json(words.region);
      defaults[region] = { ...defaults[region], ...words };
      const wait = +words.wait_for_update;
      if (wait > 0) {
        until = Math.max(until, Date.now() + wait);
        later(release, wait + 9);
      }
    } else if (verb === "update" && keys[0]) {
      update = { ...update, ...words };
      if (keys.some((key) => CHOICE.test(key))) choose();
    }
  };

  /** What tools say has changed. @param {Plain} said @param {any} [none] @param {any} [answered] it is a choice */
  const setSignals = (said, none, answered) => {
    signals = said;
    refused = none;
    if (answered) choose();
  };

  /** A consent tool may come later than this file, and is looked for again and again. Events wait for who can read it. */
  const listen = () => {
    if (extra.listen) extra.listen();
    else if (root.fbq) more(); // a call of the pixel should not have to wait
    if (unread === undefined && (root.__tcfapi || root.__gpp || root.__uspapi)) {
      unread = true;
      more(() => {
        unread = false;
        // Where more.js is blocked: that the law applies, and no string. At the server that is a refusal.
        if (extra.listen) extra.listen();
        else setSignals({ gdpr: true });
        release();
      });
    }
  };

  /** Let an event through to the queue, or hold it, or drop it, as consent says. @param {Captured} captured */
  const admit = (...captured) => {
    const [event, page, pixel] = captured;
    const own = event.consent;
    const now = words();
    const required = settings.consent === "required";
    const prerendering = /** @type {any} */ (document).prerendering;
    if (!prerendering && missing(event.timestamp)) event.timestamp = Date.now();
    if (prerendering || unread || (missing(own) && !chosen && (required || Date.now() < until))) {
      if (held.push(captured) > 200) held.shift();
      return note("waits", event.event);
    }
    if (missing(own)) {
      const said = Object.entries(now || {}).filter(([name]) => CHOICE.test(name));
      if (required && (said[0] ? !said.some(([, value]) => granted(value)) : refused)) {
        return note("denied", event.event);
      }
      sent = state();
      const presets = Object.values(defaults);
      if (now || presets[0]) event.consent = { default: presets[1] ? presets : presets[0], update: now };
    }
    under(event, signals);
    if (pixel) more(() => extra.pixel(pixel, event, own, now));
    enqueue(event, page);
  };

  /** The cookies that ad networks' ids are kept in; with ad storage granted by the update, else by every default that
   * names it. @returns {Plain | undefined} */
  const cookies = () => {
    const now = words();
    const said = [now || {}, ...Object.values(defaults)].filter((one) => "ad_storage" in one);
    if (said[0] === now) said.length = 1;
    /** @type {Plain} */
    const found = {};
    if (said[0] && said.every((one) => granted(one.ad_storage))) {
      document.cookie.replace(COOKIES, (/** @type {string[]} */ ...[, name, value]) => {
        return (found[name] = found[name] || safely(() => decodeURIComponent(value)) || value);
      });
    }
    return keysOf(found)[0] ? found : undefined;
  };

  // ── events ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** @type {Plain} */
  const person = {};
  /** The objects that we wrote ids onto: the same one pushed again is another event. @type {Map<string, Plain>} */
  const minted = new Map();
  /** What tagserver.track was called with, by the event that was pushed. @type {WeakMap<object, any>} */
  const asked = new WeakMap(before.q);

  let referrer = document.referrer;
  let here = "";
  let path = "";

  /** Where a page has only changed its address, the page before is the referrer. A query alone is no other page, and
   * neither is a fragment that is no path. */
  const where = () => {
    const last = here;
    const before = path;
    here = location.href;
    path = here.replace(/\?[^#]*|#(?![/!]).*/g, "");
    if (before && before !== path) referrer = last;
    return { location: here, referrer, title: document.title };
  };

  /** @param {any} pushed */
  const remember = (pushed) => {
    const known = snapshot(pushed);
    for (const key of ["user_data", "user_id"]) {
      if (key in known) person[key] = missing(known[key]) ? undefined : known[key];
    }
  };

  /**
   * An event as it is now, with its id, which is from now on also on `pushed`. Gives what is left to do.
   * @param {Plain} pushed @param {string} name @param {boolean} late it was pushed before this file came
   */
  const capture = (pushed, name, late) => {
    const event = snapshot(pushed);
    let id = event.event_id;
    const order = flat(event).transaction_id;
    const owner = minted.get(id);
    if (missing(id) || owner === pushed) {
      if (late && name === "purchase") warn("late purchase without event_id");
      id = name === "purchase" && Object(order) !== order && !NO_ORDER.test(order) ? `purchase_${order}` : uuid7();
      minted.set(id, pushed);
      // Of a frozen object it says false, where an assignment would throw.
      if (!Reflect.set(pushed, "event_id", id)) warn("frozen event");
    } else if (owner && (owner.event || name) === name) warn("copied event");
    event.event = name;
    event.event_id = id;
    const page = where();
    return () => {
      under(event, person);
      if (/** @type {any} */ (navigator).globalPrivacyControl) event.gpc = true;
      safely(listen);
      admit(event, page, (asked.get(pushed) || {}).pixel);
    };
  };

  // ── queue ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  const page_view_id = uuid7();
  /** @type {any} */
  let endpoint;
  /** What the events of the next request have in common, and their texts. @type {Plain} */
  let ctx;
  /** @type {string[]} */
  let texts = [];
  let bytes = 0;
  /** Requests to be sent, oldest first. @type {string[]} */
  const queue = [];
  let timer = 0;
  let inFlight = 0;
  /** In a row, of the whole page; and what it waits for: a timer, or (-1) the answer to one batch that tries. */
  let failures = 0;
  let pause = 0;

  /** Bytes, and values as on the server: each stands behind one of these. @param {string} text */
  const fits = (text) => size(text) < 32e3 && text.split(/[,[{]/).length < 2e3;

  /**
   * @param {Plain} event @param {Plain} page
   * @param {boolean} [whole] more.js has come, or will not come
   * @returns {any}
   */
  const enqueue = (event, page, whole) => {
    const cookie = safely(cookies);
    // The page's parts are overridden by the event's; cookies could not be taken back.
    if (texts[0] && json(ctx.cookie) !== json(cookie)) flush();
    if (!texts[0]) ctx = { page, page_view_id, language: navigator.language, cookie, pixel: "fbq" in root };
    for (const part of keysOf(page)) {
      if (page[part] === ctx.page[part] || `page_${part}` in event) continue;
      if (missing(event.page)) event.page = {};
      if (isObject(event.page) && !(part in event.page)) event.page[part] = page[part];
    }
    let text = json(event);
    if (!fits(text)) {
      // Where more.js is blocked the server sees the event as it is.
      if (!whole) return more(() => enqueue(event, page, true));
      if (extra.cut) text = extra.cut(event, fits);
    }
    if (!text) return warn("too large");
    note(event.event, event.event_id, event.consent, event);
    if (bytes + size(text) > 48e3) flush();
    bytes += size(text);
    if (texts.push(text) > 19 || URGENT.test(event.event)) flush();
    else timer = timer || later(flush, LINGER);
  };

  /** Send what is queued: everything, or one request alone while the server does not answer. */
  const flush = () => {
    clearTimeout(timer);
    timer = bytes = 0;
    if (texts[0] && queue.push(`"ctx":${json(ctx)},"events":[${texts}]}`) > 50) queue.shift();
    texts = [];
    while (queue[0] && !pause) {
      if (failures) pause = -1;
      send(/** @type {string} */ (queue.shift()));
    }
  };

  /** Try again at once. */
  const hurry = () => {
    clearTimeout(pause);
    pause = 0;
    flush();
  };

  /**
   * A string body makes this a request without preflight: a preflight is not answered any more once the page is gone.
   * @param {string} batch
   */
  const send = async (batch) => {
    const body = `{"v":1,"sent":${Date.now()},${batch}`;
    const weight = size(body);
    let status = 0;
    let after = 0; // seconds
    let answer = "";
    inFlight += weight;
    extra.keep(batch, 1);
    try {
      if (!KEEPS) status = navigator.sendBeacon(endpoint, body) ? 202 : 0;
      else {
        const response = await fetch(endpoint, {
          method: "POST",
          body,
          keepalive: inFlight < 6e4, // browsers allow all scripts of a page together 64 KiB
          credentials: "include",
        });
        status = response.status;
        after = +(/** @type {any} */ (response.headers.get("retry-after")));
        answer = await response.text();
      }
    } catch (error) {
      // The browser says why.
    }
    inFlight -= weight;
    if (status && status < 500 && status !== 408 && status !== 429) {
      if (/"held"/.test(answer)) until = until || 1;
      (status < 300 ? note : warn)(`HTTP ${status}`, debug ? answer : "");
      failures = 0;
      extra.keep(batch, -1);
      return safely(hurry);
    }
    queue.unshift(batch);
    extra.keep(batch, 0);
    if (pause > 0) return;
    failures++;
    if (!status && failures > 1 && navigator.onLine) warn("no answer: see collect.origins");
    // In seconds: as the server wishes, else twice as long each time.
    const wait = after > 0 ? Math.min(after, 3600) : 2 ** Math.min(failures, 10) / 3;
    pause = later(hurry, wait * (1 + Math.random() / 2) * 1000);
  };

  // ── data layer ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** What was read: another array in the layer's place may hold it once more. @type {WeakSet<object>} */
  const seen = new WeakSet();
  /**
   * Read a push, and give what is left to do when its turn has come.
   * @param {any} pushed @param {boolean} late
   * @returns {(() => void) | undefined}
   */
  const observe = (pushed, late) => {
    if (Object(pushed) === pushed) seen.add(pushed);
    const isCommand = /^Ar/.test(kind(pushed)); // Arguments, Array
    let [verb, subject, details] = isCommand ? pushed : ["event", (pushed || {}).event, pushed];
    if (verb === "consent") return () => setConsent(subject, details);
    if (verb === "set") return () => remember(isObject(subject) ? subject : { [subject]: details });
    if (verb !== "event" || /F/.test(kind(pushed))) return;
    if (isCommand && missing(details)) {
      pushed[2] = details = {};
      pushed.length = 3;
    }
    if (isObject(details)) {
      const shop = UNNAMED.test(/** @type {any} */ (keysOf(details.ecommerce || "")));
      if (missing(subject) && !shop) return () => remember(details);
      if (/^gtm\./.test(subject)) return;
      if (shop || kind(subject) === "String") return capture(details, subject, late);
    }
    warn("push ignored", pushed);
  };

  /** @type {any[]} */
  const todo = [];
  let busy = 0;
  /** @param {number} [most] */
  const work = (most = 50) => {
    busy = 0;
    for (; todo.length && most; most--) run(todo.shift());
    if (todo.length) busy = setTimeout(work);
  };

  safely(() => {
    if (!script) return warn("no classic script");
    if (before.flush) return warn("loaded twice");
    // Beside t.js, also where that lies below a path of the shop. /t/VERSION.js stands for a t.js one folder up.
    base = script.src.replace(/\/t\/\w{12}\./, "/");
    endpoint = new URL(settings.endpoint || "collect", base);
    const called = settings.layer || "dataLayer";
    if (!Array.isArray(root[called])) root[called] = [];
    /** @type {any[]} */
    let layer;
    let next = 0;
    /** @type {boolean | undefined} */
    let wrapped;

    /** The page may put another array in the layer's place, which holds what is known among others. */
    const look = () => {
      safely(listen);
      const now = root[called];
      if (now !== layer && Array.isArray(now)) {
        if (layer) warn(`${called} replaced`);
        layer = now;
        next = 0;
        const push = now.push;
        wrapped = Reflect.set(now, "push", (/** @type {any[]} */ ...all) => {
          for (const one of all) todo.push(safely(() => observe(one, false)));
          if (!busy) work();
          return push.apply(now, all);
        });
        if (!wrapped) warn(`${called} is frozen`);
      } else if (wrapped) return;
      for (; next < layer.length; next++) {
        const one = layer[next];
        if (!seen.has(one)) todo.push(() => run(observe(one, true)));
      }
      work();
    };

    /** What has been pushed is sent now. */
    const sendAll = () => {
      look();
      work(Infinity);
      until = until && 1;
      if (choosing) decide();
      else release();
      safely(flush);
    };

    api = root.tagserver = {
      /**
       * Push an event, and perhaps call Meta's pixel with the same id.
       * @param {string} name
       * @param {Plain} [params] the event's other fields
       * @param {{pixel?: string}} [options] `pixel`: the name of the pixel's standard event
       */
      track(name, params, options) {
        const event = /** @type {Plain} */ ({ ...params, event: name });
        safely(() => {
          asked.set(event, options);
          root[called].push(event);
          look();
        });
        return event.event_id;
      },
      flush: sendAll,
      version: "unbuilt",
      // For second files; nothing that pages may rely on.
      _: Object.freeze({
        /** Consent's door to the queue: (event, page, pixel). */
        admit,
        /** (pushed, name, late) → what is left to do: gives a pushed object its id, and sends it as an event. */
        capture,
        /** ("default" | "update", purposes) as of gtag's command. */
        setConsent,
        /** What the visitor has said, by gtag's command and over it. */
        words,
        /** What gtag's command says of defaults, by their regions. */
        defaults,
        /** (said, nothing, answered): what consent tools say. */
        setSignals,
        /** (pushed, late) → what is left to do: reads a push to the data layer. */
        observe,
        /** Send what waits for company; and also what waits for the server. */
        flush,
        hurry,
        /** Requests that wait, each the text of `{"ctx":{...},"events":[...]}` without the first brace. */
        queue,
        /** A plain copy of anything. */
        snapshot,
        /** The data-* of t.js's element. */
        settings,
        /** Where a second file puts what it does. */
        extra,
      }),
    };
    try {
      if (/ts_preview=/.test(location.href + sessionStorage.ts_preview)) {
        pause = -1; // nothing is sent before it is here
        more(() => extra.load("preview", hurry));
      }
    } catch (error) {
      // Storage is blocked.
    }
    for (const name of ["keep", "pixel"]) if (name in settings) more(() => extra.load(name));
    look();
    setInterval(() => safely(look), LINGER);

    // Not `unload`: it would keep the page out of the back/forward cache. On leaving, pagehide comes first.
    const leave = () => {
      if (failures < 4) failures = 0; // there is hope: everything, not one request alone
      if (waiting.length) end();
      sendAll();
      hurry();
    };
    // Before others: after their turn the browser says that what is being sent has failed, and it would be sent again.
    addEventListener("pagehide", leave, true);
    addEventListener("online", hurry);
    document.addEventListener("visibilitychange", () => document.hidden && sendAll());
    document.addEventListener("prerenderingchange", () => safely(release));
  });
})();
