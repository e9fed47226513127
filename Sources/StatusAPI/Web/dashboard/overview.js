// Owns the first view: how many are online, the last 24 hours, and the list.
// Called by dashboard.js with what is live.
// Never counts what it does not know.

import { ask } from "./api.js";
import { dayPicture, dayTable, keepDrawn } from "./charts.js";
import { List } from "./list.js";
import { $, at, count, many, say, setServerTime, write } from "./words.js";

/** A snapshot of so many may be cut: then the server counts. */
const WHOLE = 100e3;

export class Overview {
  list = new List();
  came = 0;
  went = 0;
  news = () => {
    const news = [[this.came, "came online"], [this.went, "went offline"]];
    this.came = this.went = 0;
    return news.filter(([n]) => n).map(([n, did]) => `${many(n, "user")} ${did}`).join(", ") + ".";
  };

  snapshot(people) {
    /** Of each user who is not offline. */
    this.statuses = people.length < WHOLE
      ? new Map(people.map(person => [person.user_id, person.online_status])) : null;
    this.recount();
    this.list.renew();
  }

  changes(people) {
    for (const { user_id: id, online_status: status } of people) {
      const wasOnline = this.statuses?.get(id) === "online";
      if (status === "offline") this.statuses?.delete(id);
      else this.statuses?.set(id, status);
      if (!wasOnline && status === "online") this.came++;
      if (wasOnline && status === "offline") this.went++;
    }
    this.recount();
    this.list.patch(people);
    if (this.came + this.went && !$("overview").hidden) say(this.news);
  }

  recount() {
    if (!this.stats) return;
    let { online, away } = this.stats;
    if (this.statuses) {
      online = away = 0;
      for (const status of this.statuses.values()) status === "online" ? online++ : away++;
    }
    // Nobody is forgotten: there are ever more of them.
    const users = this.most = Math.max(this.most ?? 0, this.stats.users, online + away);
    [online, away, users - online - away, users].forEach((value, index) =>
      write($("tiles").children[index].lastElementChild, count(value)));
  }

  /** The numbers and the day. Throws where they cannot be had. */
  async refresh() {
    this.stats = await ask("stats");
    setServerTime(this.stats.server_time);
    this.recount();
    const { peak_today: peak, hours } = this.stats, drawn = JSON.stringify(hours);
    $("day").hidden = !hours?.length;
    if ($("day").hidden) return;
    write($("peak"), peak?.at ? `Today's peak: ${count(peak.online)} online at ${at(peak.at, "clock")}`
      : "Nobody was online today");
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    keepDrawn($("day-chart"), width => dayPicture(hours, width));
    $("day-table").replaceChildren(dayTable(hours));
  }
}
