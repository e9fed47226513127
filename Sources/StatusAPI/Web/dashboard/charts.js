// Owns the pictures: people online by the hour, and one person's days.
// Called by overview.js and user.js.
// Never says anything that the table does not say too.

import { at, count, draw, length, make, now, statusWord } from "./words.js";

const HOUR = 3600e3;
/** Rows beyond which nobody reads on. */
const MOST_ROWS = 500;

/** Draws into `place`, and again whenever its width changes. */
export function keepDrawn(place, picture) {
  const redraw = () => place.clientWidth && place.replaceChildren(picture(place.clientWidth));
  place.observer?.disconnect();
  place.observer = new ResizeObserver(() => requestAnimationFrame(redraw));
  place.observer.observe(place);
}

const canvas = (width, height, label) =>
  draw("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": label });
const text = (x, y, anchor, words) => draw("text", { x, y, "text-anchor": anchor }, words);
const line = (x1, y1, x2, y2) => draw("line", { x1, y1, x2, y2 });
const bar = (kind, x, y, width, height, title) =>
  draw("rect", { class: kind, x, y, width, height, rx: 2 }, draw("title", {}, title));

/** The top of a scale: a round number, whose half is whole. */
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return power * [2, 4, 6, 10].find(step => step * power >= value);
}

const hourOf = ({ from }) => `${at(from, "clock")} – ${at(Date.parse(from) + HOUR, "clock")}`;

/** Bars: the most who were online at once, in each hour. */
export function dayPicture(hours, width) {
  const left = 44, top = 8, floor = 128, most = roundUp(Math.max(...hours.map(hour => hour.peak)));
  const svg = canvas(width, floor + 22, "The most online at once, by the hour");
  const y = value => floor - (floor - top) * value / most;
  for (const value of [0, most / 2, most]) {
    svg.append(line(left, y(value), width, y(value)), text(left - 8, y(value) + 4, "end", count(value)));
  }
  const step = (width - left) / hours.length, every = step > 17 ? 3 : 6;
  hours.forEach((hour, index) => {
    const x = left + index * step;
    const title = `${hourOf(hour)}: at most ${count(hour.peak)} at once, ${count(hour.users)} in all`;
    svg.append(bar("online", x + step * 0.12, y(hour.peak), step * 0.76, floor - y(hour.peak), title));
    if (new Date(hour.from).getHours() % every) return;
    svg.append(text(x, floor + 18, index ? "middle" : "start", at(hour.from, "hour")));
  });
  return svg;
}

export const dayTable = hours => table(
  ["Hour", "Most at once", "Different people"],
  hours.map(hour => [hourOf(hour), count(hour.peak), count(hour.users)]));

/** The midnights from `days` - 1 ago to the next one: a day may have 23 or 25 hours. */
export function midnights(days) {
  const today = new Date(now());
  return Array.from({ length: days + 1 }, (_, index) =>
    +new Date(today.getFullYear(), today.getMonth(), today.getDate() - days + 1 + index));
}

/** A lane for each day: high bars are online, low ones away. */
export function timelinePicture(intervals, days, width) {
  const edges = midnights(days), left = 92, wide = width - left - 8, lane = 18, pitch = days > 7 ? 22 : 27;
  const svg = canvas(width, days * pitch + 20, "When this user was online or away, day by day");
  for (let hour = 0; hour <= 24; hour += wide > 420 ? 3 : 6) {
    const x = left + wide * hour / 24;
    svg.append(line(x, 0, x, days * pitch), text(x, days * pitch + 16, "middle", at(edges[0] + hour * HOUR, "hour")));
  }
  for (let day = 0; day < days; day++) {
    const y = day * pitch, from = edges[day], to = edges[day + 1];
    const x = time => left + wide * (Math.max(from, Math.min(to, time)) - from) / (to - from);
    svg.append(draw("rect", { class: "lane", x: left, y, width: wide, height: lane, rx: 3 }),
      text(left - 10, y + 13, "end", at(from, "day")));
    for (const interval of intervals) {
      const { status, start, end } = interval, low = status === "away" ? lane / 2 : 0;
      if (end <= from || start >= to) continue;
      svg.append(bar(status, x(start), y + low, Math.max(1.5, x(end) - x(start)), lane - low, cells(interval).join(", ")));
    }
  }
  return svg;
}

const cells = ({ status, start, end, to }) =>
  [statusWord(status), at(start), to === null ? "now" : at(end), length((end - start) / 1000)];

export const timelineTable = intervals => table(
  ["Status", "From", "To", "Length"], intervals.slice(-MOST_ROWS).reverse().map(cells));

function table(heads, rows) {
  const row = (tag, texts) => make("tr", {}, ...texts.map(text => make(tag, {}, text)));
  return make("table", {}, make("thead", {}, row("th", heads)), make("tbody", {}, ...rows.map(texts => row("td", texts))));
}
