// The demo's shop. The first half is what any shop has: a data layer, consent, the pixel, and GA4's events.
// The second half shows what became of each push.
(() => {
  "use strict";

  // ── the shop ──────────────────────────────────────────────────────────────────────────────────────────────────────

  const { pixel, pixelId } = document.currentScript.dataset;
  const dataLayer = (window.dataLayer = window.dataLayer || []);
  function gtag() {
    dataLayer.push(arguments);
  }

  /** The queue that stands in for Meta's script until it has come. */
  function loadPixel(address) {
    const fbq = (...call) => (fbq.callMethod ? fbq.callMethod(...call) : fbq.queue.push(call));
    Object.assign(fbq, { push: fbq, queue: [], loaded: true, version: "2.0" });
    window.fbq = window._fbq = fbq;
    const script = document.createElement("script");
    script.async = true;
    script.src = address;
    document.head.append(script);
  }

  const switches = [...document.querySelectorAll("[role=switch]")];
  const PURPOSES = switches.map((one) => one.name);
  const AD_PURPOSES = PURPOSES.filter((name) => name.startsWith("ad_"));
  const consent = { default: Object.fromEntries(PURPOSES.map((name) => [name, "denied"])) };
  gtag("consent", "default", consent.default);
  loadPixel(pixel);
  fbq("consent", "revoke");
  fbq("init", pixelId);

  const ITEMS = [
    { item_id: "POT-1", item_name: "Teapot", price: 35, quantity: 1 },
    { item_id: "MUG-1", item_name: "Enamel mug", price: 24.9, quantity: 1 },
  ];
  const CLIENT_ID = "123456789.1700000000"; // what Google's own tag keeps in its cookie
  const PIXEL_NAMES = { view_item: "ViewContent", add_to_cart: "AddToCart", purchase: "Purchase" };

  const granted = (name) => Boolean(consent.update) && consent.update[name] === "granted";
  const missingPurposes = () => AD_PURPOSES.filter((name) => !granted(name));
  const pixelMayRun = () => missingPurposes().length === 0;

  function push(name) {
    const event = { event: name, ecommerce: { currency: "EUR", value: 59.9, items: ITEMS } };
    if (granted("analytics_storage")) event.client_id = CLIENT_ID;
    if (name === "purchase") {
      event.ecommerce.transaction_id = `ORD-${Date.now().toString(36).toUpperCase()}`;
      event.user_data = { email: "erika@example.com" };
    }
    dataLayer.push(event);
    const { value, currency } = event.ecommerce;
    fbq("track", PIXEL_NAMES[name], { value, currency }, { eventID: event.event_id });
    show(event);
  }

  function choose(choice) {
    consent.update = choice;
    gtag("consent", "update", choice);
    fbq("consent", pixelMayRun() ? "grant" : "revoke");
    if (pixelMayRun()) entries.forEach((entry) => entry.held && pixelCalled(entry));
  }

  // ── what is shown ─────────────────────────────────────────────────────────────────────────────────────────────────

  const status = document.getElementById("status");
  const list = document.getElementById("entries");
  const template = document.getElementById("entry");
  /** Newest first: {event, slots, held: whether the pixel holds it for want of consent}. */
  const entries = [];

  /** One line of a step: a sign and a sentence, perhaps with something smaller beneath. */
  function line(sign, kind, sentence, small) {
    const [row, mark, text] = ["div", "span", "span"].map((tag) => document.createElement(tag));
    row.className = "line";
    mark.className = text.className = kind;
    mark.textContent = sign;
    mark.ariaHidden = "true";
    text.textContent = sentence;
    if (small) {
      const note = document.createElement("small");
      note.textContent = small;
      text.append(note);
    }
    row.append(mark, text);
    return row;
  }

  function show(event) {
    const item = template.content.cloneNode(true);
    const slots = {};
    for (const slot of item.querySelectorAll("[data-slot]")) slots[slot.dataset.slot] = slot;
    const { transaction_id: order, value, currency } = event.ecommerce;
    slots.name.textContent = event.event;
    const about = [order, `${value.toFixed(2)} ${currency}`, new Date().toLocaleTimeString("en-GB")];
    slots.about.textContent = about.filter(Boolean).join(" · ");
    slots.id.textContent = `event_id ${event.event_id}`;
    slots.pushed.textContent = JSON.stringify(event, null, 2);
    slots.see.href = `/see/${encodeURIComponent(event.event_id)}`;
    const entry = { event, slots, held: !pixelMayRun() };
    entries.unshift(entry);
    list.prepend(item);
    status.textContent = `${event.event} was pushed.`;
    if (entry.held) {
      const sentence = `held by the pixel: consent was denied: ${missingPurposes().join(", ")}`;
      slots.pixel.replaceChildren(line("‖", "warn", sentence, "It sends what it holds when all three are granted."));
    } else {
      pixelCalled(entry);
    }
    counted(entry, undefined);
  }

  function pixelCalled(entry) {
    const when = entry.held ? " after consent was granted" : "";
    entry.held = false;
    entry.slots.pixel.replaceChildren(line("✔", "good", `sent${when}, with the same event_id`));
  }

  /** What the stand-in has of an event: `seen` is its record, if any. */
  function counted(entry, seen) {
    const { vendor } = entry.slots;
    if (!seen) {
      vendor.replaceChildren(line("…", "muted", "nothing has arrived"));
      return;
    }
    const [browser, server] = [seen.counts.browser || 0, seen.counts.server || 0];
    const [sign, sentence] = browser && server ? ["⇄", "a pair under one event_id: counted once"] : ["✔", "counted once"];
    vendor.replaceChildren(line(sign, "good", sentence, `${browser} × from the browser, ${server} × from the server`));
  }

  /** What every other destination has of an event: `seen` says how often. */
  function elsewhere(entry, seen) {
    const { others } = entry.slots;
    others.parentElement.hidden = false;
    const names = Object.keys(seen).sort();
    const twice = names.filter((name) => seen[name] > 1);
    const lines = [line("…", "muted", "nothing has arrived yet")];
    if (names.length) lines[0] = line("✔", "good", `arrived at ${names.length} more: ${names.join(", ")}`);
    if (twice.length) lines.push(line("!", "warn", `more than once: ${twice.join(", ")}`));
    others.replaceChildren(...lines);
  }

  async function look() {
    const stats = await (await fetch("/demo/sandbox.json")).json();
    document.getElementById("unique").textContent = stats.unique;
    document.getElementById("pairs").textContent = stats.pairs;
    for (const entry of entries) {
      counted(entry, stats.events.find((one) => one.event_id === entry.event.event_id));
      if (stats.arrived) elsewhere(entry, stats.arrived[entry.event.event_id] || {});
    }
  }

  async function keepLooking() {
    if (!document.hidden) {
      try {
        await look();
      } catch (error) {
        status.textContent = "The demo does not answer; what is shown may be old.";
      }
    }
    setTimeout(keepLooking, 1000);
  }

  // ── controls ──────────────────────────────────────────────────────────────────────────────────────────────────────

  function chosen() {
    const choice = Object.fromEntries(switches.map((one) => [one.name, one.checked ? "granted" : "denied"]));
    for (const one of switches) one.closest("label").querySelector(".state").textContent = choice[one.name];
    choose(choice);
  }

  for (const one of switches) one.addEventListener("change", chosen);
  for (const button of document.querySelectorAll("[data-consent]")) {
    button.addEventListener("click", () => {
      for (const one of switches) one.checked = button.dataset.consent === "granted";
      chosen();
    });
  }

  const buttons = [...document.querySelectorAll("[data-event]")];
  for (const button of buttons) button.addEventListener("click", () => push(button.dataset.event));

  // Without t.js a push gets no event_id, and nothing is sent. Its element stands behind ours, so that nothing is missed.
  function client(type, tell) {
    document.addEventListener(type, ({ target }) => target.id === "client" && tell(target), true);
  }
  client("load", () => {
    for (const button of buttons) button.disabled = false;
    status.textContent = "Nothing was pushed yet. Consent starts denied.";
  });
  client("error", ({ src }) => {
    status.textContent = `${src} did not load: a blocker, or the server is not running.`;
  });
  keepLooking();
})();
