// A shop that has only Meta's pixel. The first half is what its pages always had; the second shows what has arrived.
(() => {
  "use strict";

  // ── the shop ──────────────────────────────────────────────────────────────────────────────────────────────────────

  const { pixel, pixelId } = document.currentScript.dataset;
  const hasTool = Boolean(window.dataLayer && window.dataLayer.length);

  // The usual snippet.
  const fbq = function () {
    fbq.callMethod ? fbq.callMethod.apply(fbq, arguments) : fbq.queue.push(arguments);
  };
  Object.assign(fbq, { push: fbq, queue: [], loaded: true, version: "2.0" });
  window.fbq = window._fbq = fbq;
  const script = document.createElement("script");
  script.async = true;
  script.src = pixel;
  document.head.append(script);
  if (hasTool) window.fbq("consent", "revoke"); // until the tool says otherwise
  window.fbq("init", pixelId, { em: "erika@example.com" });
  window.fbq("track", "PageView");

  const ITEM = { content_ids: ["POT-1"], content_type: "product", value: 35, currency: "EUR" };

  document.addEventListener("click", ({ target }) => {
    const { call } = target.dataset;
    if (!call) return;
    const order = call === "Purchase" ? { order_id: `ORD-${Date.now().toString(36).toUpperCase()}` } : {};
    window.fbq("track", call, { ...ITEM, ...order });
  });

  // ── what is shown ─────────────────────────────────────────────────────────────────────────────────────────────────

  const sentence = ({ browser = 0, server = 0 }) => {
    const counts = `${browser} × from the browser, ${server} × from the server`;
    return browser && server ? `⇄ a pair under one event_id, counted once: ${counts}` : `counted once: ${counts}`;
  };

  async function look() {
    const stats = await (await fetch("/demo/sandbox.json")).json();
    document.getElementById("unique").textContent = stats.unique;
    document.getElementById("pairs").textContent = stats.pairs;
    const items = stats.events.map(({ event_name, event_id, counts }) => {
      const item = document.getElementById("entry").content.cloneNode(true);
      const slot = (name) => item.querySelector(`[data-slot=${name}]`);
      slot("name").textContent = event_name;
      slot("id").textContent = `event_id ${event_id || "none"}`;
      slot("said").textContent = sentence(counts);
      slot("said").className = counts.browser && counts.server ? "good" : "muted";
      return item;
    });
    document.getElementById("entries").replaceChildren(...items);
  }

  async function keepLooking() {
    if (!document.hidden) await look().catch(() => {});
    setTimeout(keepLooking, 1000);
  }
  document.addEventListener("DOMContentLoaded", keepLooking);
})();
