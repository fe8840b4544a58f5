// What could not be posted before a page was closed is posted by the next page of this site: t.js's part for `data-keep`.
//
// Each request is written to localStorage before it is sent, and removed when it is answered: at most 200 events and
// 256 KB of all tabs together (the oldest go first), for 24 hours. Only while the visitor allows storage: ad_storage or
// analytics_storage, by an update or by every default that names it, and TCF's purpose 1 where a TCF tool has spoken.
// An event whose own consent says else is not kept. A choice against it removes everything.
//
// What a tab has written nobody else sends while it lives: it holds a lock (Web Locks; where there are none, on plain
// http, it renews its marks). A request that was being sent when its tab went away may have arrived: it is sent again
// after 30 seconds. It has its ids, so the server counts it once. In a preview session nothing is kept or taken over.
(() => {
  "use strict";

  const KEY = "ts_keep.";
  const MOST_EVENTS = 200;
  const MOST_BYTES = 256 << 10;
  const LIFE = 864e5; // ms
  const IN_FLIGHT = 3e4; // ms
  const RENEW = 1e4; // ms
  const LOOK = 500; // ms
  const SURE = 200; // ms
  const HOLD = 500; // ms; until what was taken over is gone in all tabs
  const STORAGE = ["ad_storage", "analytics_storage"];
  const ROOM = 40; // requests that may wait in t.js's queue when another one is taken over

  /** @typedef {{[key: string]: any}} Plain */
  /**
   * What is stored of one request. `at`: since when; `mark`: when it was last being sent, 0 when it surely is not (both
   * ms since 1970); `events`: how many; `batch`: its text as in t.js's queue.
   * @typedef {{at: number, mark: number, events: number, batch: string}} Kept
   */

  const root = /** @type {any} */ (window);
  const { defaults, extra, flush, queue, words } = root.tagserver._;
  const locks = /** @type {any} */ (navigator).locks;
  const tab = Math.random().toString(36).slice(2);
  let count = 0;

  /** @type {Storage} */
  let store;
  try {
    store = localStorage;
    if (!store || /ts_preview=/.test(location.href + sessionStorage.ts_preview)) return;
  } catch (error) {
    return; // blocked
  }

  /** Nothing that is thrown here gets any further: storage may be full, or be blocked meanwhile. @param {() => any} work */
  const safely = (work) => {
    try {
      return work();
    } catch (error) {
      // It is as if nothing were kept.
    }
  };

  // ── consent ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** @param {any} value */
  const granted = (value) => value === true || /^\s*granted\s*$/i.test(typeof value === "string" ? value : "");
  /** @param {any} value */
  const isObject = (value) => ({}).toString.call(value) === "[object Object]";

  /** Whether a purpose is granted; null where only a default says no, undefined where nobody says anything.
   * @param {string} purpose */
  const says = (purpose) => {
    const update = words();
    if (update && purpose in update) return granted(update[purpose]);
    const named = Object.keys(defaults).filter((region) => purpose in defaults[region]);
    return named[0] ? named.every((region) => granted(defaults[region][purpose])) || null : undefined;
  };

  /** Whether the visitor allows storage: true, false, or not known yet. @returns {boolean | undefined} */
  const allowed = () => {
    const said = STORAGE.map(says);
    if (extra.storage === false) return false;
    if (said.includes(true)) return true;
    if (said.includes(false)) return false;
    return extra.storage === true && said.every((one) => one === undefined) ? true : undefined;
  };

  /** Whether what an event says of its own consent is no refusal. @param {Plain} event */
  const agrees = (event) => {
    const said = event.consent;
    if (said === undefined || said === null) return true;
    if (!isObject(said)) return granted(said);
    // With a default it is what the page said, which `allowed` knows.
    const own = isObject(said.update) ? said.update : "default" in said ? {} : said;
    const named = STORAGE.filter((purpose) => purpose in own);
    return named[0] ? named.some((purpose) => granted(own[purpose])) : own !== said;
  };

  // ── storage ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** All that is kept, of any tab: its names. @returns {string[]} */
  const names = () => Object.keys(store).filter((name) => name.startsWith(KEY));

  /** @param {string} name @returns {Kept | undefined} */
  const read = (name) => {
    const kept = safely(() => JSON.parse(/** @type {string} */ (store.getItem(name))));
    const sound = isObject(kept) && [kept.at, kept.mark, kept.events].every(Number.isFinite);
    return sound && /^"ctx":\{.*\]\}$/.test(kept.batch) ? kept : undefined;
  };

  /** Write it, and make room for it. @param {string} name @param {Kept} kept */
  const write = (name, kept) => {
    const text = JSON.stringify(kept);
    let events = kept.events;
    let bytes = new Blob([text]).size;
    if (events > MOST_EVENTS || bytes > MOST_BYTES) return;
    /** @type {[string, Kept | undefined][]} */
    const others = names().filter((other) => other !== name).map((other) => [other, read(other)]);
    others.sort((one, other) => (other[1] ? other[1].at : 0) - (one[1] ? one[1].at : 0)); // the oldest last
    const left = others.filter(([other, its]) => {
      events += its ? its.events : MOST_EVENTS;
      bytes += new Blob([store.getItem(other) || ""]).size;
      const fits = events <= MOST_EVENTS && bytes <= MOST_BYTES;
      if (!fits) store.removeItem(other);
      return fits;
    });
    for (;;) {
      try {
        return store.setItem(name, text);
      } catch (error) {
        // The page has used its room for something else.
        const oldest = left.pop();
        if (!oldest) return store.removeItem(name);
        store.removeItem(oldest[0]);
      }
    }
  };

  // ── this tab's requests ───────────────────────────────────────────────────────────────────────────────────────────

  /** Their texts in t.js's queue, and under which name each is kept. @type {Map<string, string>} */
  const own = new Map();

  /** The part of a request that may be kept; undefined when that is nothing. @param {string} batch */
  const part = (batch) => {
    const { ctx, events } = JSON.parse(`{${batch}`);
    const some = events.filter(agrees);
    if (!some[0]) return;
    const text = some.length < events.length ? JSON.stringify({ ctx, events: some }).slice(1) : batch;
    return { at: Date.now(), mark: 0, events: some.length, batch: text };
  };

  /** @param {string} batch @param {number} how 1: is being sent, 0: has to be sent again, -1: was answered */
  const keep = (batch, how) => {
    const name = own.get(batch) || `${KEY}${tab}.${++count}`;
    if (how < 0) {
      own.delete(batch);
      return store.removeItem(name);
    }
    const kept = allowed() && (read(name) || part(batch));
    if (!kept) return;
    kept.mark = Date.now();
    own.set(batch, name);
    write(name, kept);
    // When a page is left browsers say of a request that it failed, which may arrive all the same.
    if (!how && locks) setTimeout(() => safely(() => free(batch, kept.mark)), SURE);
  };

  /** Nobody is sending it. @param {string} batch @param {number} mark as it was then */
  const free = (batch, mark) => {
    const name = own.get(batch) || "";
    const kept = read(name);
    if (kept && kept.mark === mark) write(name, { ...kept, mark: 0 });
  };

  extra.keep = (/** @type {string} */ batch, /** @type {number} */ how) => safely(() => keep(batch, how));

  // ── those of tabs that are gone ───────────────────────────────────────────────────────────────────────────────────

  let timer = 0;

  /** @param {number} wait ms */
  const pause = (wait) => new Promise((resolve) => setTimeout(resolve, wait));
  /** Ask for a tab's lock. @param {string} owner @param {Plain} options @param {(lock: any) => any} work */
  const hold = (owner, options, work) => locks.request(KEY + owner, options, work).catch(() => {});

  /** Whether the visitor refuses by now what he had granted with one of its events. @param {string} batch */
  const revoked = (batch) => {
    const now = words() || {};
    return JSON.parse(`{${batch}`).events.some((/** @type {Plain} */ event) => {
      const then = isObject(event.consent) && isObject(event.consent.update) ? event.consent.update : {};
      return Object.keys(then).some((purpose) => granted(then[purpose]) && purpose in now && !granted(now[purpose]));
    });
  };

  /** Take one over, unless it is being sent. @param {string} name */
  const take = (name) => {
    const kept = read(name);
    const now = Date.now();
    // By a clock that was set back it may be of tomorrow.
    if (!kept || Math.abs(now - kept.at) > LIFE || safely(() => revoked(kept.batch)) !== false) return store.removeItem(name);
    const since = now - kept.mark;
    if (since >= 0 && since < IN_FLIGHT) {
      timer = timer || setTimeout(takeAll, IN_FLIGHT - since);
    } else if (queue.length < ROOM && allowed()) {
      store.removeItem(name);
      queue.push(kept.batch);
      const mine = `${KEY}${tab}.${++count}`;
      own.set(kept.batch, mine);
      write(mine, { ...kept, mark: now });
      flush();
    }
  };

  const takeAll = () => {
    timer = 0;
    safely(() => {
      const owners = new Set((allowed() ? names() : []).map((name) => name.slice(KEY.length).split(".")[0]));
      owners.delete(tab);
      for (const owner of owners) {
        const takeHis = () => names().forEach((name) => name.startsWith(`${KEY}${owner}.`) && safely(() => take(name)));
        // Nobody has the lock of a tab that is gone; who gets it is alone.
        if (!locks) takeHis();
        else hold(owner, { ifAvailable: true }, (lock) => (lock ? (takeHis(), pause(HOLD)) : undefined));
      }
    });
  };

  // ── the tab's life ────────────────────────────────────────────────────────────────────────────────────────────────

  /** @type {() => void} */
  let release = () => {};
  const live = () => {
    if (locks) hold(tab, {}, () => new Promise((resolve) => (release = /** @type {any} */ (resolve))));
  };

  /** @type {boolean | undefined} */
  let before;
  const look = () => {
    const now = allowed();
    if (now === before) return;
    before = now;
    if (now) {
      for (const batch of queue) extra.keep(batch, 0);
      takeAll();
    } else if (now === false) {
      own.clear();
      for (const name of names()) store.removeItem(name);
    }
  };

  live();
  look();
  setInterval(() => safely(look), LOOK);
  if (!locks) setInterval(() => own.forEach((_, batch) => extra.keep(batch, 0)), RENEW);
  addEventListener("online", takeAll);
  // With a lock the page would be kept out of the back/forward cache.
  addEventListener("pagehide", () => release());
  addEventListener("pageshow", (event) => event.persisted && live());
})();
