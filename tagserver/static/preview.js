// The page's part of a preview session. t.js loads it where a page was opened by a preview link (`?ts_preview=GRANT`),
// and in that tab from then on; it sends nothing before this file has run. No other visitor's browser loads it.
//
// The grant leaves the address bar and is kept in sessionStorage. It goes along with each request of t.js, and the
// server's answer then says what each tag did with each event: in the console (level info), and in a small list on the
// page, which a button closes. A link that has ended says so in the console; the events count like anybody's then.
(() => {
  "use strict";

  const KEY = "ts_preview";
  const IN_ADDRESS = /([?&])ts_preview=([\w.-]+)(&?)/;
  const OURS = /^\{"v":1,"sent":\d+,"ctx":\{/;
  const here = document.currentScript && /** @type {HTMLScriptElement} */ (document.currentScript).src;

  /** @typedef {{tag: string, decision: string, reason: string, detail: string, delivery: string | null, why: string}} Tag */
  /** @typedef {{event_id: string, status: string, preview?: {send: string, tags: Tag[]}}} Line */

  // ── the grant ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A text without the grant of any address in it. @param {string} text */
  const bare = (text) => text.replace(new RegExp(IN_ADDRESS, "g"), (_, sign, grant, more) => more && sign);

  /** The grant of this tab; an address says it anew. @type {string} */
  let grant = "";
  try {
    const found = IN_ADDRESS.exec(location.search);
    if (found) {
      history.replaceState(history.state, "", bare(location.href));
      sessionStorage[KEY] = `${KEY}=${found[2]}`;
    }
    grant = (sessionStorage[KEY] || "").replace(`${KEY}=`, "") || (found ? found[2] : "");
  } catch (error) {
    const found = IN_ADDRESS.exec(location.search); // storage is blocked: it is for this page alone
    grant = found ? found[2] : "";
  }

  /** It is of no use any more. */
  const forget = () => {
    grant = "";
    try {
      delete sessionStorage[KEY];
    } catch (error) {
      // Storage is blocked.
    }
  };

  // ── what t.js sends, and what it is answered ──────────────────────────────────────────────────────────────────────

  /** The body of a request of t.js with the grant; anything else as it is. @param {any} body */
  const granted = (body) => {
    if (!grant || typeof body !== "string" || !OURS.test(body)) return body;
    return bare(body).replace('"ctx":{', `"ctx":{${JSON.stringify(KEY)}:${JSON.stringify(grant)},`);
  };

  const send = window.fetch;
  if (send) {
    window.fetch = function (input, init) {
      const body = init && granted(init.body);
      if (!init || body === init.body) return send.apply(window, /** @type {any} */ (arguments));
      const asked = send.call(window, input, Object.assign({}, init, { body }));
      asked.then((answer) => answer.clone().json()).then((answer) => hear(JSON.parse(body), answer), () => {});
      return asked;
    };
  }
  const beacon = navigator.sendBeacon;
  if (beacon) {
    navigator.sendBeacon = (address, body) => beacon.call(navigator, address, granted(body));
  }

  /** @param {{events: {event: string, event_id: string}[]}} asked @param {{events: Line[], problems?: any[]}} answer */
  const hear = (asked, answer) => {
    for (const problem of answer.problems || []) {
      if (problem.code !== "preview") continue;
      console.warn("[tagserver]", problem.message);
      say(problem.message);
      return forget();
    }
    const names = new Map(asked.events.map((event) => [event.event_id, event.event]));
    for (const line of answer.events || []) {
      const name = names.get(line.event_id) || "event";
      const tags = line.preview ? line.preview.tags : [];
      console.info("[tagserver]", name, line.event_id, line.status);
      for (const tag of tags) console.info("[tagserver]  ", `${word(tag)}: ${tag.tag}. ${sentence(tag)}`);
      list(name, line, tags);
    }
  };

  // ── in words ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** @type {{[key: string]: string}} */
  const SENT = { dry: "would send", test: "sent as test", live: "sent" };
  /** @type {{[key: string]: string}} */
  const KEPT = { block: "blocked", skip: "skipped", error: "failed", send: "not sent", restrict: "not sent" };
  /** @type {{[key: string]: string}} */
  const SIGNS = { dry: "◇", test: "◆", live: "✔", block: "⊘", skip: "○", error: "✖", send: "⊘", restrict: "⊘" };

  /** @param {Tag} tag */
  const word = (tag) => {
    if (tag.reason === "no_trigger") return "not fired";
    return (tag.delivery ? SENT[tag.delivery] : KEPT[tag.decision]) || tag.decision;
  };
  /** @param {Tag} tag */
  const sign = (tag) => SIGNS[tag.delivery || tag.decision] || "·";
  /** @param {Tag} tag */
  const sentence = (tag) => [tag.detail || tag.reason, tag.why].filter(Boolean).join("; ");

  // ── the list on the page ──────────────────────────────────────────────────────────────────────────────────────────

  const STYLE = `
    :host { all: initial; position: fixed; inset: auto 12px 12px auto; z-index: 2147483647; color-scheme: light dark }
    * { box-sizing: border-box; font: 14px/1.4 system-ui, sans-serif }
    section { width: min(360px, calc(100vw - 24px)); max-height: 60vh; overflow: auto; border-radius: 8px;
      color: light-dark(#1b1f24, #e8eaed); background: light-dark(#fff, #202124);
      border: 1px solid light-dark(#6b7280, #9aa0a6); box-shadow: 0 4px 16px #0004 }
    header { display: flex; align-items: center; gap: 8px; padding: 0 4px 0 12px; position: sticky; top: 0;
      background: inherit; border-bottom: 1px solid light-dark(#d0d7de, #5f6368) }
    h2 { flex: 1; margin: 0; font-weight: 600 }
    button { min-width: 44px; min-height: 44px; border: 0; border-radius: 6px; background: none; color: inherit;
      cursor: pointer; font-size: 18px }
    :focus-visible { outline: 3px solid light-dark(#0b57d0, #8ab4f8); outline-offset: -3px }
    p, ol { margin: 0; padding: 8px 12px; list-style: none }
    li + li { margin-top: 8px }
    summary { min-height: 44px; padding: 10px 0; cursor: pointer }
    b { font-weight: 600 }
    ul { margin: 0; padding: 0; list-style: none }
    small { display: block; color: light-dark(#4b5563, #bdc1c6); overflow-wrap: anywhere }
    a { display: inline-block; min-height: 44px; padding: 12px 0; color: light-dark(#0b57d0, #8ab4f8) }
    [hidden] { display: none }
  `;

  /** @type {HTMLElement | undefined} */
  let section;
  /** @type {HTMLElement} */
  let events;
  /** @type {HTMLElement} */
  let words;
  let closed = false;

  /** An element with a text and others in it. @param {string} name @param {string} [text] @param {...(Node | string)} within */
  const make = (name, text = "", ...within) => {
    const made = document.createElement(name);
    made.append(text, ...within);
    return made;
  };

  /** Shows the list, unless somebody has closed it; whether there is one. */
  const shown = () => {
    if (closed || !document.body || !document.body.attachShadow) return false;
    if (section) return true;
    const host = document.createElement("div");
    host.id = "tagserver-preview";
    const root = host.attachShadow({ mode: "open" });
    try {
      // No `style` of the HTML: the strictest policy of a page allows this.
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      root.adoptedStyleSheets = [sheet];
    } catch (error) {
      host.style.cssText = "position: fixed; right: 12px; bottom: 12px; z-index: 2147483647; background: #fff; color: #000";
    }
    const close = make("button", "×");
    close.setAttribute("aria-label", "Close the preview of tagserver");
    close.addEventListener("click", () => {
      closed = true;
      host.remove();
    });
    words = make("p", "This tab is a preview. Its events show here.");
    events = make("ol");
    section = make("section", "", make("header", "", make("h2", "tagserver preview"), close), words, events);
    section.setAttribute("aria-label", "tagserver preview");
    section.setAttribute("tabindex", "0");
    section.addEventListener("keydown", (event) => event.key === "Escape" && close.click());
    root.append(section);
    document.body.append(host);
    return true;
  };

  /** @param {string} text */
  const say = (text) => {
    if (shown()) words.textContent = text;
  };

  /** @param {string} name @param {Line} line @param {Tag[]} tags */
  const list = (name, line, tags) => {
    if (!shown()) return;
    const fired = tags.filter((tag) => tag.reason !== "no_trigger");
    const short = fired.map((tag) => `${sign(tag)} ${tag.tag}: ${word(tag)}`).join(", ");
    const summary = make("summary", "", make("b", name), ` – ${short || (line.preview ? "no tag fired" : line.status)}`);
    const rows = tags.map((tag) => make("li", `${sign(tag)} ${tag.tag}: ${word(tag)}`, make("small", sentence(tag))));
    const link = /** @type {HTMLAnchorElement} */ (make("a", "Everything about this event"));
    link.href = here ? new URL(`/-/events/${encodeURIComponent(line.event_id)}`, here).href : "";
    link.target = "_blank";
    link.rel = "noopener noreferrer";
    events.prepend(make("li", "", make("details", "", summary, make("ul", "", ...rows), link)));
  };

  if (grant) {
    if (document.body) shown();
    else document.addEventListener("DOMContentLoaded", shown);
  }
})();
