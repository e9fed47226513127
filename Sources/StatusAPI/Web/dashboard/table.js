// Owns a table of any length, of which only the rows in sight exist.
// Called by list.js, which knows what stands in a row.
// Never asks for data.

import { $ } from "./words.js";

/** Rows beyond those in sight, on both sides. */
const MARGIN = 5;

const table = $("users"), [body] = table.tBodies, [above, below] = body.rows;
/** make() a row with a `link`, fill(row, index), and shown() afterwards. */
let kind;
let count = 0, first = 0, height = 0, frame = 0;
/** The row that the Tab key reaches, and which there are. */
export let current = 0, inSight;
export const rows = new Map();
const spare = [];

export function begin(filling) {
  kind = filling;
  table.onkeydown = key;
  table.addEventListener("focusin", ({ target }) => aim(target.closest("tr")?.index));
  window.onscroll = later;
  window.onresize = () => { height = 0; later(); };
}

/** So many rows from now on; `start` is the number of the first among `total`. */
export function resize(length, start, total) {
  if (start !== first) takeAway(0, 0);
  count = length;
  first = start;
  // The heading is a row too.
  table.setAttribute("aria-rowcount", total + 1);
  current = Math.max(0, Math.min(current, count - 1));
  show();
}

export function later() {
  frame ||= requestAnimationFrame(show);
}

/** Writes the rows in sight, and no other. */
export function show() {
  frame = 0;
  if (!table.checkVisibility()) return;
  height ||= parseFloat(getComputedStyle(table).getPropertyValue("--row"));
  const top = -body.getBoundingClientRect().top, within = index => Math.max(0, Math.min(count, index));
  const from = within(Math.floor(top / height) - MARGIN), to = within(Math.ceil((top + innerHeight) / height) + MARGIN);
  takeAway(from, to);
  let next = above.nextSibling;
  for (let index = from; index < to; index++) {
    const row = rows.get(index) ?? put(index, next);
    next = row.nextSibling;
    kind.fill(row, index);
    row.link.tabIndex = index === current ? 0 : -1;
  }
  space(above, from);
  space(below, count - to);
  inSight = [from, to];
  kind.shown();
}

function put(index, next) {
  const row = spare.pop() ?? kind.make();
  row.index = index;
  row.className = "";
  row.setAttribute("aria-rowindex", first + index + 2);
  rows.set(index, row);
  return body.insertBefore(row, next);
}

function takeAway(from, to) {
  for (const [index, row] of rows) {
    if (index >= from && index < to) continue;
    // Whoever stood here goes on from here by the arrow keys.
    if (row.contains(document.activeElement)) table.focus({ preventScroll: true });
    row.remove();
    rows.delete(index);
    spare.push(row);
  }
}

function space(gap, rows) {
  gap.hidden = rows === 0;
  gap.firstChild.style.height = rows * height + "px";
}

export function aim(index) {
  if (index === undefined) return;
  for (const [place, { link }] of rows) link.tabIndex = place === index ? 0 : -1;
  current = index;
}

function key(event) {
  const to = { ArrowDown: current + 1, ArrowUp: current - 1, Home: 0, End: count - 1 }[event.key];
  if (to === undefined || !count || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  go(Math.max(0, Math.min(count - 1, to)));
}

/** Brings a row into sight and stands on it. */
export function go(index) {
  const top = body.getBoundingClientRect().top + index * height;
  const least = 2 * height, most = innerHeight - least;
  if (top < least || top > most) scrollBy({ top: top - (top < least ? least : most), behavior: "instant" });
  aim(index);
  show();
  (rows.get(index)?.link ?? table).focus({ preventScroll: true });
}
