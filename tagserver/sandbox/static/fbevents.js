// A stand-in for Meta's pixel script. It takes over the `fbq` queue that the usual page snippet makes, and sends each
// event to `/tr` beside itself. Known: init, track, trackCustom, consent, dataProcessingOptions; the rest is ignored.
(() => {
  "use strict";
  const fbq = window.fbq;
  const script = document.currentScript;
  if (typeof fbq !== "function" || fbq.callMethod || !script) return;

  const address = new URL("/tr", script.src).href;
  const pixels = [];
  let options = null;
  let revoked = false;
  let held = [];

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

  const track = (event, parameters, extra) => {
    if (!event) return;
    for (const pixel of pixels) {
      const fields = new URLSearchParams({
        id: pixel,
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
      if (revoked) held.push(fields);
      else send(fields);
    }
  };

  const commands = {
    init(pixel) {
      const id = String(pixel);
      if (!pixels.includes(id)) pixels.push(id);
      remember();
    },
    track,
    trackCustom: track,
    consent(answer) {
      revoked = answer === "revoke";
      if (revoked) return;
      remember();
      const waiting = held;
      held = [];
      waiting.forEach(send);
    },
    dataProcessingOptions(list, country, state) {
      options = [[].concat(list || []).join(","), country, state];
    },
  };

  fbq.callMethod = (command, ...rest) => {
    if (Object.prototype.hasOwnProperty.call(commands, command)) commands[command](...rest);
  };
  // Whatever the page has asked for before this script came, in its order.
  while (fbq.queue && fbq.queue.length) fbq.callMethod(...fbq.queue.shift());
})();
