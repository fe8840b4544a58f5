// A stand-in for Meta's pixel script. It takes over the `fbq` queue that the usual page snippet makes, and sends each
// event to `/tr` beside itself. Known: init, track, trackCustom, trackSingle, trackSingleCustom, consent,
// dataProcessingOptions, fbq.push([...]) and fbq.getState(); the rest is ignored. While consent is revoked, calls wait in
// `fbq.queue`.
(() => {
  "use strict";
  const fbq = window.fbq;
  const script = document.currentScript;
  if (typeof fbq !== "function" || fbq.callMethod || !script) return;

  const address = new URL("/tr", script.src).href;
  const pixels = []; // {id, eventCount}, as getState shows them
  let options = null;
  let revoked = false;
  let viewed = false;

  const cookie = (name) => {
    const found = document.cookie.split("; ").find((part) => part.startsWith(name + "="));
    return found ? found.slice(name.length + 1) : "";
  };

  const remember = () => {
    if (revoked || !pixels.length || cookie("_fbp")) return;
    const random = crypto.getRandomValues(new Uint32Array(1))[0] % 0x7fffffff;
    document.cookie = `_fbp=fb.1.${Date.now()}.${random}; path=/; max-age=${90 * 86400}; samesite=lax`;
  };

  const send = (fields) => {
    for (const name of ["fbp", "fbc"]) {
      const value = cookie("_" + name);
      if (value) fields.set(name, value);
    }
    fetch(address, { method: "POST", body: fields, keepalive: true, credentials: "omit" }).catch(() => {});
  };

  const hit = (pixel, event, parameters, extra) => {
    if (!event) return;
    pixel.eventCount++;
    const fields = new URLSearchParams({
      id: pixel.id,
      ev: event,
      dl: location.href,
      rl: document.referrer,
      ts: Date.now(),
    });
    for (const [key, value] of Object.entries(parameters || {})) {
      if (value === undefined || value === null) continue;
      fields.set(`cd[${key}]`, typeof value === "object" ? JSON.stringify(value) : value);
    }
    if (extra && extra.eventID !== undefined && extra.eventID !== null) fields.set("eid", extra.eventID);
    if (options) {
      fields.set("dpo", options[0]);
      fields.set("dpoco", options[1] || 0);
      fields.set("dpost", options[2] || 0);
    }
    send(fields);
  };

  const track = (event, ...call) => {
    // One a load, as the original has it.
    if (event === "PageView" && viewed && !fbq.allowDuplicatePageViews) return;
    viewed = viewed || (event === "PageView" && pixels.length > 0);
    pixels.forEach((pixel) => hit(pixel, event, ...call));
  };
  const trackSingle = (id, ...call) => {
    const one = pixels.find((pixel) => pixel.id === String(id));
    if (one) hit(one, ...call);
  };

  const commands = {
    init(pixel) {
      const id = String(pixel);
      if (!pixels.some((one) => one.id === id)) pixels.push({ id, eventCount: 0 });
      remember();
    },
    track,
    trackCustom: track,
    trackSingle,
    trackSingleCustom: trackSingle,
    consent(answer) {
      revoked = answer === "revoke";
      fbq.instance.locks._locks = revoked ? { consent: "" } : {};
      remember();
      drain();
    },
    dataProcessingOptions(list, country, state) {
      options = [[].concat(list || []).join(","), country, state];
    },
  };

  fbq.callMethod = function () {
    const [command, ...rest] = Array.isArray(arguments[0]) ? arguments[0] : arguments; // a list: fbq.push([...])
    if (revoked && command !== "consent") fbq.queue.push(arguments);
    else if (Object.prototype.hasOwnProperty.call(commands, command)) commands[command](...rest);
  };
  fbq.instance = { locks: { _locks: {} } };
  fbq.getState = () => ({ pixels: pixels.map((pixel) => ({ ...pixel })) });

  // Whatever the page has asked for before this script came, in its order.
  const drain = () => {
    while (fbq.queue && fbq.queue.length && !revoked) fbq.callMethod(...fbq.queue.shift());
  };
  drain();
})();
