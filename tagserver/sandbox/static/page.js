// Keeps the page fresh: asks for the counts, and when they have changed, for the page itself.
const every = 2000;
const live = document.getElementById("live");
const status = document.getElementById("status");
let seen = null;

const look = async () => {
  const stats = await (await fetch("/stats.json")).json();
  const now = [stats.requests, stats.arrivals, stats.refused, stats.faults].join();
  if (seen !== null && seen !== now) {
    const fresh = new DOMParser().parseFromString(await (await fetch("/")).text(), "text/html");
    live.replaceChildren(...fresh.getElementById("live").children);
    status.textContent = `${stats.arrivals} arrivals, ${stats.unique} counted.`;
  }
  seen = now;
};

const loop = async () => {
  if (!document.hidden) {
    try {
      await look();
    } catch {
      status.textContent = "The stand-in does not answer; what is shown may be old.";
    }
  }
  setTimeout(loop, every);
};
loop();
