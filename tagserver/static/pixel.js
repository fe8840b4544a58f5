// The page's pixel as a source of events. t.js loads this file as t/pixel.VERSION.js where its element has `data-pixel`.
(() => {})();
