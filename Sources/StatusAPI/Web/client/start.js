// Owns the beginning: what the page finds of us, and what we listen to.
// Called once, when the script is loaded.
// Never takes a name that the page uses already.

function start() {
  window[OURS] = presence;
  // An element with that id is found under that name too; a variable of the page is left alone.
  const isFree = window.presence === undefined || window.presence instanceof Element;
  if (isFree) window.presence = presence;
  else say("window.presence is the page's own; ours is window[Symbol.for('presence-sidecar')].");
  if (!customElements.get("presence-dot")) customElements.define("presence-dot", PresenceDot);
  activity.last = Math.min(recall("input") || activity.last, activity.last);
  readOptions();
  new MutationObserver(safely(mutated)).observe(document, {
    childList: true, subtree: true, attributes: true, attributeFilter: [ATTRIBUTE],
  });
  const how = { capture: true, passive: true };
  const listen = (type, work) => addEventListener(type, safely(work), how);
  for (const type of INPUTS) listen(type, noticed);
  listen("visibilitychange", () => {
    announce({ fresh: isVisible() });
    link.beat = 0;
    if (isVisible()) hurry();
    tick();
  });
  for (const type of ["storage", "focus", "online"]) {
    listen(type, (event) => (event.target === window || type === "storage") && hurry());
  }
  listen("pagehide", leave);
  listen("pageshow", (event) => event.persisted && join());
  setInterval(safely(tick), TICK);
  join();
}

safely(start)();
