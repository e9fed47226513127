// Owns what the page can set, the bounds, and how the script speaks to the console.
// Called by every other page of client.js; they share one scope that the page does not see.
// Never throws into the page, never logs a token.

"use strict";

const OURS = Symbol.for("presence-sidecar");
// Where it is not known which tag is ours (a bundle), one of another origin is not: the token goes
// to where the script comes from.
const script = document.currentScript
  || [...document.querySelectorAll('script[data-presence][src], script[src$="/client.js"]')]
    .find((tag) => tag.src.startsWith(location.origin + "/"));
// Loaded twice (by the page and by the sidecar): the first goes on, and learns what it missed.
if (window[OURS]) return window[OURS].configure(script);
if (!script?.src) return console.info("presence: client.js does not know its own address.");

const base = new URL(".", script.src);
/** The attributes of our tag: `data-token-cookie` is `options.tokenCookie`. */
const options = { ...script.dataset };
const texts = {
  lang: "en", online: "online", away: "away", offline: "offline", unknown: "not known",
  seen: "last seen {ago}", now: "just now", never: "never seen",
  lost: "not connected since {time}", soon: "Chat: coming soon",
};

// Milliseconds, unless said otherwise.
const TICK = 1000;
const ROLL_CALL = 10_000; // how often a tab tells the others that it is there
const ANSWER = 10_000; // how long a handshake or a heartbeat may take
const STALE = 15_000; // after so long without a connection a dot says so
const MINUTE = 60_000; // how long "3 minutes ago" is true
const LONGEST_PAUSE = 30_000; // between two attempts to connect
const SIGNED_OUT_PAUSE = 60_000; // between two looks whether somebody has signed in
const NAMES = 1000; // names that a subscription or a query may hold
const MESSAGE = 12_000; // characters of a subscription: a message may have 16 KiB

/** All that looks at the time asks this: it can be turned by `Date.now = …`. */
const clock = () => Date.now();
const isVisible = () => document.visibilityState === "visible";

const said = new Set();
/** A line in the console, once: the page's makers shall know, its visitors not be troubled. */
function say(text) {
  if (said.size < 20 && !said.has(text)) console.info("presence: " + text);
  said.add(text);
}

/** Our own code, called by the browser: a fault in it is told, and stays here. */
const safely = (work) => (...values) => {
  const fault = (error) => say("a fault of client.js: " + error.message);
  try {
    const done = work(...values);
    return done?.catch ? done.catch(fault) : done;
  } catch (error) {
    fault(error);
  }
};

/** Code of the page: its faults are told as its own, and stop nothing of ours. */
function call(callback, ...values) {
  try {
    callback(...values);
  } catch (error) {
    (window.reportError || console.error)(error);
  }
}

const planned = new Set();
/** Once, after all that happens now. */
function soon(work, delay = 20) {
  if (planned.has(work)) return;
  planned.add(work);
  setTimeout(safely(() => {
    planned.delete(work);
    work();
  }), delay);
}

/** A number that goes on with the tab, from page to page. */
function remember(key, number) {
  try {
    sessionStorage.setItem(base.pathname + key, number);
  } catch {
    // No storage: each page begins anew.
  }
}

function recall(key) {
  try {
    return +sessionStorage.getItem(base.pathname + key);
  } catch {
    return 0;
  }
}

function readOptions() {
  const seconds = parseFloat(options.awayAfter);
  activity.limit = options.awayAfter === "off" ? Infinity : seconds > 0 ? seconds * 1000 : 300_000;
  try {
    Object.assign(texts, JSON.parse(options.texts || "{}"));
  } catch {
    say("data-texts is not JSON.");
  }
  readRules();
}
