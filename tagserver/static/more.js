// What few pages need of t.js, which loads this file as t/more.VERSION.js and waits for it:
//
// - consent tools with an interface of their own: TCF (__tcfapi), GPP (__gpp), US Privacy (__uspapi). Events wait until
//   they have been asked;
// - events that are too large: what weighs most is left out, and named in `truncated`. Such an event waits until then;
// - calls of Meta's pixel by tagserver.track. Where the pixel is, t.js loads this file before it is needed;
// - and it loads the others: keep.js, pixel.js, preview.js.
//
// Nothing here throws into the page. `tagserver._` is what t.js shares with its second files.
(() => {
  "use strict";

  const ORDER = /^(ecommerce|items)$/; // is cut after everything else; and never: what consent says, and the id
  const WORD = /^(event|consent|tcf|g[cdp]|us_p|add|npa|x-)/;
  const CUTS = 40; // of one event
  const PIXEL = /^(content(s|_ids|_type)|num_items|value|currency)$/;
  /** So that a page runs nothing else. @type {{[name: string]: string}} */
  const HASHES = { keep: "hash of keep", pixel: "hash of pixel", preview: "hash of preview" };

  /** @typedef {{[key: string]: any}} Plain an object that JSON can hold */

  const root = /** @type {any} */ (window);
  const { extra, settings, setSignals, snapshot } = root.tagserver._;
  const here = /** @type {HTMLScriptElement} */ (document.currentScript);
  const keysOf = Object.keys;

  /** By the TCF string, as far as is known: whether it allows what Meta's pixel needs, and whether it allows nothing.
   * @type {any} */
  let pixel;
  /** @type {any} */
  let nothing;

  /** @param {any} value */
  const isObject = (value) => ({}).toString.call(value) === "[object Object]";

  /** JSON of what `snapshot` gives, whatever a page has put onto prototypes. @param {any} value @returns {string} */
  const json = (value) => {
    if (Array.isArray(value)) return `[${value.map((one) => json(one))}]`;
    if (!isObject(value)) return JSON.stringify(value);
    const keys = keysOf(value).filter((key) => value[key] !== undefined);
    return `{${keys.map((key) => JSON.stringify(key) + ":" + json(value[key]))}}`;
  };

  /** @param {any} value */
  const missing = (value) => value === undefined || value === null || value === "";
  /** @param {any} value */
  const granted = (value) => /^("\s*granted\s*"|true)$/i.test(json(value));

  // ── other files ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Have a file that lies beside this one, and then do something. @param {string} name @param {() => any} [then] */
  extra.load = (name, then) => {
    const element = document.createElement("script");
    element.onload = element.onerror = () => then && then();
    element.nonce = here.nonce;
    element.crossOrigin = "";
    element.integrity = HASHES[name];
    element.src = extra.policy.createScriptURL(here.src.replace(/more\.(\w+\.js)$/, `${name}.$1`));
    document.head.append(element);
  };

  // ── large events ──────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Leave out what weighs most: of a list its last quarter, of the order a part. Gives its path.
   * @param {any} within @param {string} path
   * @returns {string}
   */
  const lighten = (within, path) => {
    /** @param {string} key */
    const weight = (key) => (!path && WORD.test(key) ? 0 : `${json(within[key])}`.length / (ORDER.test(key) ? 9 : 1));
    const key = keysOf(within).sort((one, other) => weight(other) - weight(one))[0];
    const value = within[key];
    if (key === "ecommerce" && isObject(value)) return lighten(value, "ecommerce.");
    if (Array.isArray(value) && value[1]) value.length = (value.length * 3) >> 2;
    else delete within[key];
    return path + key;
  };

  /**
   * The event's JSON. While it is too large something is left out, and named; empty when that does not help.
   * @param {Plain} event @param {(text: string) => boolean} fits
   */
  extra.cut = (event, fits) => {
    const gone = new Set();
    for (let cuts = CUTS; cuts--; ) {
      const text = json(event);
      if (fits(text)) {
        console.warn("[tagserver] too large, without", event.truncated);
        return text;
      }
      gone.add(lighten(event, ""));
      event.truncated = [...gone];
    }
    return "";
  };

  // ── Meta's pixel ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** A number that may be a quantity or a price. @param {any} value */
  const sound = (value) => (missing(value) || !(value >= 0) ? undefined : +value);

  /**
   * The pixel gets Meta's own fields alone, made of the items, and nothing unless the visitor has granted what Meta's
   * destination needs: by the event's `own` consent, else by the `update`, and where a TCF tool has spoken it, too.
   * @param {string} name @param {Plain} event @param {any} own @param {any} update
   */
  extra.pixel = (name, event, own, update) => {
    if (!root.fbq) return;
    // Of purposes that stand beside an update the server takes the stricter word; here they are none.
    const said = missing(own) ? update : own.update ? !/ad_/i.test(json(keysOf(own))) && own.update : own;
    const allowed =
      said === undefined ? pixel : granted(said.ad_storage) && granted(said.ad_user_data) && pixel !== false;
    if (!allowed) return "debug" in settings && console.info("[tagserver] no pixel", event.event);
    const all = { ...event, ...event.ecommerce };
    let num_items = 0;
    const contents = [];
    for (const one of [].concat(all.items || [])) {
      const { item_id: id, price, quantity } = /** @type {any} */ (one || 0);
      const number = missing(quantity) ? 1 : sound(quantity);
      if (missing(id)) continue;
      num_items += number || 0;
      contents.push({ id, quantity: number || undefined, item_price: sound(price) });
    }
    /** @type {Plain} */
    const shown = contents[0]
      ? { contents, content_ids: contents.map(({ id }) => id), content_type: "product", num_items }
      : {};
    for (const key of keysOf(all)) if (PIXEL.test(key)) shown[key] = all[key];
    root.fbq("track", name, shown, { eventID: event.event_id });
  };

  // ── consent tools ─────────────────────────────────────────────────────────────────────────────────────────────────
  // Each says its part; what a tool said last stays until it says something else.

  /** @type {{[tool: string]: Plain}} */
  const said = {};

  /** @param {string} tool @param {Plain} fields @param {boolean} [answered] it is a choice */
  const tell = (tool, fields, answered) => {
    const known = json(said[tool]);
    said[tool] = fields;
    if (answered || known !== json(fields)) {
      setSignals({ ...said.usp, ...said.gpp, ...said.tcf }, nothing, answered);
    }
  };

  /** @param {any} data @param {any} success */
  const hearTcf = (data, success) => {
    // While the visitor is being asked there is a string, too; it says nothing yet.
    if (!isObject(data) || success === false || data.eventStatus === "cmpuishown") return;
    const now = snapshot({ gdpr: data.gdprApplies, tcf: data.tcString, addtl_consent: data.addtlConsent });
    const answered = !!now.tcf || now.gdpr === false;
    if (!answered && said.tcf && said.tcf.tcf) return;
    // Where the law does not apply it says nothing.
    const of = ((now.gdpr !== false && data.purpose) || {}).consents;
    extra.storage = of && granted(of[1]);
    pixel = of && granted(of[1]) && granted(of[7]);
    nothing = of && !Object.keys(of).some((purpose) => granted(of[purpose]));
    tell("tcf", now, answered);
  };

  /** @param {any} event @param {any} success */
  const hearGpp = (event, success) => {
    const ping = isObject(event) && success !== false && event.pingData;
    // Until it is ready its string is that of an earlier choice, or of none.
    if (!isObject(ping) || ping.signalStatus !== "ready") return;
    const now = snapshot({ gpp: ping.gppString, gpp_sid: ping.applicableSections });
    if (!now.gpp) return;
    // Its section of TCF is read by the server alone.
    if ([].concat(now.gpp_sid).includes(/** @type {never} */ (2)) && !said.tcf) pixel = false;
    tell("gpp", now);
  };

  /** @param {any} data @param {any} success */
  const hearUsp = (data, success) => {
    if (!isObject(data) || success === false) return;
    const now = snapshot({ us_privacy: data.uspString });
    if (now.us_privacy) tell("usp", now);
  };

  /** Those that need not be asked again: they say each change, or have thrown. Where a tool takes the place of its stub
   * it may have forgotten who asked that. @type {{[name: string]: any}} */
  const done = {};

  /** @param {string} name @param {(tool: any) => void} ask @param {boolean} [again] it says no change by itself */
  const ask = (name, ask, again) => {
    const tool = root[name];
    if (!tool || done[name] === tool) return;
    done[name] = tool;
    try {
      ask(tool);
      if (again) delete done[name];
    } catch (error) {
      console.warn("[tagserver]", name, error);
    }
  };

  extra.listen = () => {
    ask("__tcfapi", (tool) => tool("addEventListener", 2, hearTcf));
    ask("__gpp", (tool) => tool("addEventListener", hearGpp));
    ask("__uspapi", (tool) => tool("getUSPData", 1, hearUsp), true);
  };
})();
