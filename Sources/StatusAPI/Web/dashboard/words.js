// Owns times and numbers in words, and making elements.
// Called by every part of the dashboard.
// Never parses HTML: what came from elsewhere becomes text.

const formats = {
  exact: { dateStyle: "medium", timeStyle: "medium" }, date: { dateStyle: "medium" },
  day: { weekday: "short", day: "numeric", month: "short" },
  hour: { hour: "numeric" }, clock: { timeStyle: "short" }, second: { timeStyle: "medium" },
};
// A format is costly to make and cheap to use.
for (const name in formats) formats[name] = new Intl.DateTimeFormat(undefined, formats[name]);
export const at = (time, format = "exact") => formats[format].format(new Date(time));

export const count = new Intl.NumberFormat("en").format;
export const many = (value, noun) => `${count(value)} ${noun}${value === 1 ? "" : "s"}`;

/** How far the server's clock is ahead of ours. */
let ahead = 0;
export const setServerTime = text => { ahead = Date.parse(text) - Date.now() || 0; };
export const now = () => Date.now() + ahead;

/** "3 min ago" */
export function ago(time) {
  const minutes = Math.floor((now() - Date.parse(time)) / 60e3), hours = Math.floor(minutes / 60);
  if (minutes < 1) return "just now";
  if (hours < 1) return `${minutes} min ago`;
  if (hours < 24) return `${hours} h ago`;
  return hours < 168 ? many(Math.floor(hours / 24), "day") + " ago" : at(time, "date");
}

/** "4 h 20 min" */
export function length(seconds) {
  const minutes = Math.round(seconds / 60), hours = Math.floor(minutes / 60);
  if (seconds < 60) return `${Math.round(seconds)} s`;
  return (hours ? `${count(hours)} h ` : "") + `${minutes % 60} min`;
}

/** Who has a device here is seen "now"; a status that was set by hand proves nothing. */
export function seen({ last_seen: time, online_status: status, devices }) {
  if (!time) return "never";
  return status !== "offline" && devices > 0 ? "now" : ago(time);
}

const STATUS = { online: "Online", away: "Away", offline: "Offline", gap: "Not known" };
export const statusWord = status => STATUS[status] ?? status;

export const $ = id => document.getElementById(id);

/** An element; a child that is no node becomes text. */
export const make = (name, attributes, ...children) =>
  fill(document.createElement(name), attributes, children);
export const draw = (name, attributes, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);

function fill(element, attributes, children) {
  for (const key in attributes) element.setAttribute(key, attributes[key]);
  element.append(...children);
  return element;
}

/** Writes into an element, or that of an id, only what differs: that spares a layout. */
export function write(place, text) {
  const element = typeof place === "string" ? $(place) : place;
  if (element.textContent !== text) element.textContent = text;
}

/** A time in words, and exactly for whoever points at it. */
export function writeTime(element, time, text) {
  write(element, text);
  if (element.dateTime === (time ?? "")) return;
  element.dateTime = time ?? "";
  element.title = time ? at(time) : "";
}

const waiting = new Set();
let saidAt = 0, saying = 0;
/** Tells screen readers a text, or what makes one: once in 5 s at most; an answer at once. */
export function say(text, isAnswer) {
  waiting.add(text);
  if (isAnswer) {
    clearTimeout(saying);
    saying = 0;
  }
  saying ||= setTimeout(() => {
    $("said").textContent = [...waiting].slice(-3).map(text => text.call ? text() : text).join(" ");
    waiting.clear();
    saying = 0;
    saidAt = Date.now();
  }, isAnswer ? 0 : Math.max(200, saidAt + 5000 - Date.now()));
}
