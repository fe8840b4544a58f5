// What a consent tool is to a page: it says `default` at once, and `update` when the visitor has chosen, as Google's
// Consent Mode has it; and it holds the pixel meanwhile.
(() => {
  "use strict";

  const PURPOSES = ["ad_storage", "ad_user_data", "ad_personalization"];
  const all = (word) => Object.fromEntries(PURPOSES.map((name) => [name, word]));
  window.dataLayer = window.dataLayer || [];
  function gtag() {
    window.dataLayer.push(arguments);
  }
  gtag("consent", "default", all("denied"));

  document.addEventListener("click", ({ target }) => {
    const { choice } = target.dataset;
    if (!choice) return;
    gtag("consent", "update", all(choice));
    window.fbq("consent", choice === "granted" ? "grant" : "revoke");
    document.getElementById("choice").textContent = `The visitor has chosen: ${choice}.`;
  });
})();
