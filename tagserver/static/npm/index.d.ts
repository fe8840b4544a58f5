import type { LoadOptions, Tagserver } from "./t.js";

export type * from "./t.js";

/** Bring `t.js` into the page, once. */
export function load(options?: LoadOptions): void;

/** As `window.tagserver.track`; also before `t.js` has come. */
export const track: Tagserver["track"];
