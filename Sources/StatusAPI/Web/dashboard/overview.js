// Owns the first view: how many are online, the last 24 hours, and the list.
// Called by dashboard.js with what is live.
// Never counts what it does not know.

import { ask } from "./api.js";
import { dayPicture, dayTable, keepDrawn } from "./charts.js";
import * as list from "./list.js";
import { $, at, count, many, say, setServerTime, write } from "./words.js";

/** A snapshot of so many may be cut: then the server counts. */
const WHOLE = 100e3;

let stats, drawn, most = 0;
/** The status of each user who is not offline; null where that is not known of all. */
let statuses = null;
let came = 0, went = 0;

function news() {
  const news = [came && many(came, "user") + " came online", went && many(went, "user") + " went offline"];
  came = went = 0;
  return news.filter(Boolean).join(", ") + ".";
}

export function snapshot(people) {
  statuses = people.length < WHOLE ? new Map(people.map(person => [person.user_id, person.online_status])) : null;
  recount();
  list.renew();
}

export function changes(people) {
  for (const { user_id: id, online_status: status } of people) {
    const before = statuses?.get(id);
    if (status === "offline") statuses?.delete(id);
    else statuses?.set(id, status);
    if (before !== "online" && status === "online") came++;
    if (before === "online" && status === "offline") went++;
  }
  recount();
  list.patch(people);
  if (came + went && !$("overview").hidden) say(news);
}

function recount() {
  if (!stats) return;
  let { online, away } = stats;
  if (statuses) {
    online = away = 0;
    for (const status of statuses.values()) status === "online" ? online++ : away++;
  }
  // Nobody is forgotten: there are ever more of them.
  most = Math.max(most, stats.users, online + away);
  [online, away, most - online - away, most].forEach((value, index) =>
    write($("tiles").children[index].lastElementChild, count(value)));
}

/** The numbers and the day. Throws where they cannot be had. */
export async function refresh() {
  stats = await ask("stats");
  setServerTime(stats.server_time);
  recount();
  const { peak_today: peak, hours } = stats, text = JSON.stringify(hours);
  $("day").hidden = !hours?.length;
  if ($("day").hidden) return;
  write("peak", peak?.at ? `Today's peak: ${count(peak.online)} online at ${at(peak.at, "clock")}`
    : "Nobody was online today");
  if (text === drawn) return;
  drawn = text;
  keepDrawn($("day-chart"), width => dayPicture(hours, width));
  $("day-table").replaceChildren(dayTable(hours));
}
