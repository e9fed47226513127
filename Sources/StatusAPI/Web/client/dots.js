// Owns <presence-dot>: how it looks, what it says, its tip and its click.
// Called by the page's markup, and by ours for markup that cannot change.
// Never asks anybody: it draws what is known.

const dots = new Set(); // those in the document
let isStale = false; // nothing has been heard for a while

let drawn = clock(); // when all were drawn: "3 minutes ago" is true for a minute

function drawAll(stale = isStale) {
  isStale = stale;
  drawn = clock();
  for (const dot of dots) drawLater(dot);
}

/** By the tick: what time alone changes. */
function drawAnew(stale) {
  const isOld = isVisible() && Math.abs(clock() - drawn) >= MINUTE;
  if (stale !== isStale || isOld) drawAll(stale);
}

// Told apart by shape as well: full, half, ring, dashes. Each colour has at least 3:1 on white and
// on black (WCAG 1.4.11), the tip 4.5:1.
const style = `
  :host { display: inline-block; position: relative; vertical-align: baseline; line-height: 1;
    margin-inline: 0.15em 0.35em; border-radius: 50%; flex: none; }
  :host([hidden]), :host(:not([user])), :host([user=""]) { display: none; }
  :host([role=button]) { cursor: pointer; }
  /* A target of 24 pixels (WCAG 2.5.8), upward and to the start, up to the text that follows: not
     over a name, and not to where a box would begin to scroll. */
  :host([role=button]) [part=dot]::before { content: ""; position: absolute;
    inset-inline-end: -0.35em; inset-block-end: -0.25em; width: max(24px, calc(100% + 0.35em));
    height: max(24px, calc(100% + 0.25em)); }
  :host(:focus-visible) { outline: 2px solid var(--presence-focus, #2f81f7); outline-offset: 2px; }
  [part=dot] { display: block; box-sizing: border-box; border-radius: 50%;
    width: var(--presence-size, 0.65em); height: var(--presence-size, 0.65em);
    border: max(2px, 0.12em) solid var(--presence-unknown, #7d8590);
    transition: background-color 0.2s, border-color 0.2s; }
  /* Whole pixels: a box of 8.4 would be 8 wide and 9 high in some places. */
  @supports (width: round(1.5px, 1px)) { [part=dot] {
    width: round(var(--presence-size, 0.65em), 1px);
    height: round(var(--presence-size, 0.65em), 1px); } }
  :host([status=online]) [part=dot] { border-color: var(--presence-online, #1a9f4b);
    background: var(--presence-online, #1a9f4b); }
  :host([status=away]) [part=dot] { border-color: var(--presence-away, #c27803);
    background: linear-gradient(90deg, var(--presence-away, #c27803) 50%, transparent 50%); }
  :host([status=offline]) [part=dot] { border-color: var(--presence-offline, #7d8590); }
  :host([status=unknown]) [part=dot], :host([stale]) [part=dot] { border-style: dotted;
    background: none; }
  [part=tip] { position: fixed; inset: auto; margin: 0; padding: 6px 9px; border: 0;
    border-radius: 6px; z-index: 2147483647; width: max-content; max-width: 260px;
    background: var(--presence-tip-background, #24292f); color: var(--presence-tip-color, #fff);
    font: 13px/1.4 system-ui, sans-serif; text-align: start; white-space: pre-line;
    letter-spacing: normal; text-transform: none; cursor: default; overflow-wrap: anywhere; }
  @media (prefers-reduced-motion: reduce) { [part=dot] { transition: none; } }
  @media (forced-colors: active) { [part=dot] { forced-color-adjust: none;
    border-color: CanvasText !important; }
    :host([status=online]) [part=dot] { background: CanvasText !important; }
    [part=tip] { border: 1px solid CanvasText; } }
  @media print { :host { display: none; } }`;

/** Adopted, since a strict style-src forbids style elements and attributes (CSP3 §6.1.13). */
const dress = (() => {
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(style);
    return (root) => (root.adoptedStyleSheets = [sheet]);
  } catch {
    return (root) => root.prepend(
      Object.assign(document.createElement("style"), { textContent: style, nonce: script.nonce }));
  }
})();

let words = null; // an Intl.RelativeTimeFormat; making one takes long

/** "3 minutes ago", by the sidecar's clock. */
function ago(time) {
  const seconds = (Date.parse(time) - clock() - shared.skew) / 1000;
  if (seconds > -45) return texts.now;
  if (words?.lang !== texts.lang) {
    words = Object.assign(new Intl.RelativeTimeFormat(texts.lang, { numeric: "auto" }), {
      lang: texts.lang,
    });
  }
  for (const [unit, length] of [["day", 86400], ["hour", 3600]]) {
    if (seconds <= -length) return words.format(Math.ceil(seconds / length), unit);
  }
  return words.format(Math.min(Math.round(seconds / 60), -1), "minute");
}

function lastSeen(user) {
  if (user.online_status === "unknown" || pending.has(user.user_id)) return "";
  if (!user.last_seen) return texts.never;
  // Who has a device here is seen now; a status that was set by hand proves nothing.
  const isHere = user.online_status !== "offline" && user.devices > 0;
  return texts.seen.replace("{ago}", isHere ? texts.now : ago(user.last_seen));
}

const HEARD = ["pointerenter", "pointerleave", "focus", "blur", "click", "keydown"];

const TOLD = ["keydown", "scroll", "pointerdown"]; // in the document, while a tip is shown

class PresenceDot extends HTMLElement {
  static observedAttributes = ["user", "name"];
  #watcher = { isEarly: true, callback: () => drawLater(this) };
  #unwatch = null;
  #tip = null;
  #isTouched = false;
  #role = null; // what we have made it
  #isStop = false; // of the Tab key, by us

  /** The presence object, with the name that the page gave where presence tells none. */
  get presence() {
    const id = this.getAttribute("user") || "";
    const user = known.get(id) || unseen(id, pending.has(id) ? "offline" : "unknown");
    return user.name ? user : { ...user, name: this.getAttribute("name") };
  }

  /** As little as can be: thousands may come at once. The rest has its place in a frame. */
  connectedCallback() {
    dots.add(this);
    this.#listen();
  }

  disconnectedCallback() {
    dots.delete(this);
    undrawn.delete(this);
    this.#unwatch?.();
    this.#unwatch = null;
    this.hide();
  }

  attributeChangedCallback(name, before, now) {
    if (!dots.has(this) || before === now) return;
    if (name === "user") this.#listen();
    else drawLater(this);
  }

  #listen() {
    this.#unwatch?.();
    const id = this.getAttribute("user");
    this.#unwatch = id ? enroll([id], this.#watcher) : null;
    drawLater(this);
  }

  /** Once, before it is drawn for the first time. */
  #furnish() {
    const root = this.attachShadow({ mode: "open" });
    const dot = document.createElement("span");
    dot.setAttribute("part", "dot");
    root.append(dot);
    dress(root);
    for (const type of HEARD) this.addEventListener(type, this);
  }

  #put(key, value) {
    if (value === null) this.removeAttribute(key);
    else if (this.getAttribute(key) !== value) this.setAttribute(key, value);
  }

  /** A button or a picture, unless the page says what it is. Without a user it is neither. */
  #play(isSomebody) {
    const role = this.getAttribute("role");
    const isOurs = !role || role === this.#role;
    if (isOurs) {
      this.#role = !isSomebody ? null : options.dots === "picture" ? "img" : "button";
      this.#put("role", this.#role);
    }
    const isButton = isSomebody && this.getAttribute("role") === "button";
    if (isButton && !this.hasAttribute("tabindex")) {
      this.#isStop = true;
      this.#put("tabindex", "0");
    } else if (!isButton && this.#isStop) {
      this.#isStop = false;
      this.#put("tabindex", null);
    }
  }

  draw() {
    if (!this.shadowRoot) this.#furnish();
    const isSomebody = !!this.getAttribute("user");
    const user = this.presence;
    this.#play(isSomebody);
    this.#put("status", user.online_status);
    const words = this.#words(user);
    this.#put("aria-label", isSomebody ? words.replace("\n", ": ").replace("\n", ", ") : null);
    if (this.hasAttribute("stale") !== isStale) this.toggleAttribute("stale", isStale);
    if (this.#tip?.dataset.is === "tip") this.#fill(words);
  }

  #words(user) {
    const status = texts[user.online_status];
    const seen = lastSeen(user);
    const lines = (user.name || user.user_id) + "\n" + status + (seen && " · " + seen);
    if (!isStale) return lines;
    const time = presence.since.toLocaleTimeString(texts.lang, { timeStyle: "short" });
    return lines + "\n" + texts.lost.replace("{time}", time);
  }

  /** The tip, or another text in its place. */
  show(text) {
    const tip = (this.#tip ??= document.createElement("span"));
    tip.setAttribute("part", "tip");
    // The dot's own name says the same to a screen reader; a note is news to it.
    tip.setAttribute("role", text ? "status" : "tooltip");
    tip.dataset.is = text ? "note" : "tip";
    if (!text) tip.setAttribute("aria-hidden", "true");
    else tip.removeAttribute("aria-hidden");
    if (!tip.isConnected) {
      // In the top layer no table and no scrolling box cuts it off.
      if (tip.showPopover) tip.popover = "manual";
      this.shadowRoot.append(tip);
      tip.showPopover?.();
      for (const type of TOLD) document.addEventListener(type, this, true);
    }
    this.draw();
    this.#fill(text || this.#words(this.presence));
  }

  #fill(text) {
    const tip = this.#tip;
    if (tip.textContent !== text) tip.textContent = text;
    const dot = this.getBoundingClientRect();
    const box = tip.getBoundingClientRect();
    const isBelow = dot.bottom + box.height < innerHeight;
    const left = Math.min(dot.left - 8, document.documentElement.clientWidth - box.width - 4);
    tip.style.top = (isBelow ? dot.bottom : dot.top - box.height) + "px";
    tip.style.left = Math.max(left, 4) + "px";
  }

  hide() {
    if (!this.#tip) return;
    this.#tip.remove();
    this.#tip = null;
    for (const type of TOLD) document.removeEventListener(type, this, true);
  }

  handleEvent(event) {
    const isFocused = this.matches(":focus-visible");
    switch (event.type) {
      case "pointerenter":
        this.#isTouched = event.pointerType === "touch";
        return this.#isTouched || this.show();
      case "focus": return isFocused && this.show();
      case "pointerleave": return isFocused || this.hide();
      case "click": return this.#clicked(event);
      case "keydown":
        if (event.key === "Escape") return this.hide();
        return event.target === this && /^(Enter| )$/.test(event.key)
          && event.currentTarget === this && this.#clicked(event);
      case "pointerdown": return event.composedPath().includes(this) || this.hide();
      // Blur; and in the document while the tip is shown: what moves the page under it.
      default: return this.hide();
    }
  }

  /** A dot in a link or in a row with a handler of its own: the click is the dot's alone. */
  #clicked(event) {
    // A finger cannot point without a tap: this is how it sees the tip.
    if (this.#isTouched) this.show();
    if (this.getAttribute("role") !== "button") return;
    event.preventDefault();
    event.stopPropagation();
    const more = { bubbles: true, composed: true, cancelable: true, detail: this.presence };
    const isDefault = this.dispatchEvent(new CustomEvent("presence:open", more));
    if (isDefault && texts.soon) this.show(this.#words(this.presence) + "\n" + texts.soon);
  }
}
