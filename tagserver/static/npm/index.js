// Brings tagserver's script into a page: `tagserver snippet ADDRESS --npm FOLDER` has written this for ADDRESS.
//
//   import { load, track } from "tagserver-page";
//   load({ consent: "required" });
//   track("purchase", { ecommerce: { transaction_id: "T1", value: 9.9, currency: "EUR" } });
//
// On a server (Next, Nuxt, SvelteKit) both do nothing. The script itself is not part of the bundle: it comes from your
// tag server, and is as new as that.

const ADDRESS = "ADDRESS";
const VERSION = "VERSION";
const INTEGRITY = "INTEGRITY";

let loaded = false;

/** What is pushed and tracked before the script has come is kept. */
const bridge = () => {
  "STUB";
};

/** @param {string} url @returns {any} */
const trusted = (url) => {
  const types = /** @type {any} */ (window).trustedTypes;
  return types ? types.createPolicy("tagserver-page", { createScriptURL: String }).createScriptURL(url) : url;
};

/** @param {import("./t.js").LoadOptions} [options] */
export const load = (options = {}) => {
  if (typeof window === "undefined") return;
  bridge();
  if (loaded) return;
  loaded = true;
  const { address = ADDRESS, fixed, nonce, ...settings } = options;
  const script = document.createElement("script");
  script.async = true;
  for (const [name, value] of Object.entries(settings)) {
    if (value !== undefined && value !== false) script.dataset[name] = value === true ? "" : String(value);
  }
  const page = /** @type {HTMLScriptElement | null} */ (document.querySelector("script[nonce]"));
  script.nonce = nonce || (page ? page.nonce : "");
  if (fixed) {
    script.crossOrigin = "";
    script.integrity = INTEGRITY;
  }
  script.src = trusted(address + (fixed ? `/t/${VERSION}.js` : "/t.js"));
  document.head.append(script);
};

/** @type {import("./t.js").Tagserver["track"]} */
export const track = (name, fields, options) => {
  if (typeof window === "undefined") return undefined;
  bridge();
  return window.tagserver ? window.tagserver.track(name, fields, options) : undefined;
};
