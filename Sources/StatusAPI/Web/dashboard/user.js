// Owns one user's page: facts, history, and the form that sets the status.
// Called by dashboard.js when the address names a user.
// Never offers a status to whoever may not set it.

import { ask, one, Refusal } from "./api.js";
import { keepDrawn, midnights, timelinePicture, timelineTable } from "./charts.js";
import { $, ago, at, count, length, make, now, say, seen, statusWord, write, writeDot } from "./words.js";

export class UserPage {
  id = null;

  constructor() {
    $("days").onchange = () => this.loadHistory();
    $("claim").onsubmit = event => {
      event.preventDefault();
      this.claim();
    };
  }

  /** @param id null: none is shown */
  open(id) {
    this.id = id;
    this.person = null;
    for (const part of ["user-status", "facts", "history-total", "claim-result", "user-error"]) write($(part), "");
    for (const part of ["claim", "history", "user-error"]) $(part).hidden = true;
    write($("user-name"), id ?? "");
    return this.load();
  }

  /** Runs a question; what comes once the page is another's counts for nothing. */
  async during(asking, failed = error => this.fail(error)) {
    const { id } = this;
    try {
      const answer = id !== null && await asking(`users/${encodeURIComponent(id)}`);
      return id === this.id ? answer : null;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (id === this.id) failed(error);
    }
  }

  async load() {
    const person = await this.during(() => one(this.id));
    if (!person) return;
    this.show(person);
    await this.loadHistory();
  }

  fail({ message }) {
    write($("user-error"), message);
    $("user-error").hidden = false;
  }

  changes(people) {
    const person = people.find(({ user_id: id }) => id === this.id);
    if (!person) return;
    if (this.person?.online_status !== person.online_status) {
      say(`${person.name ?? person.user_id} is ${person.online_status}.`);
    }
    this.show(person);
    this.reloading ||= setTimeout(() => {
      this.reloading = 0;
      this.loadHistory();
    }, 2000);
  }

  show(person) {
    this.person = person;
    $("user-error").hidden = true;
    const name = person.name || person.user_id, dot = make("i");
    write($("user-name"), name);
    document.title = `${name} – Presence`;
    writeDot(dot, person.online_status);
    $("user-status").replaceChildren(dot, statusWord(person.online_status));
    $("claim").hidden = $("history").hidden = !("reason" in person);
    this.showFacts();
  }

  /** Words about time grow old. */
  showFacts() {
    const { person } = this;
    if (this.id === null || !person) return;
    const { last_active: active, since } = person;
    const fact = (name, ...value) => [make("dt", {}, name), make("dd", {}, ...value)];
    $("facts").replaceChildren(
      ...fact("Id", make("bdi", {}, person.user_id)),
      ...fact("Last seen", ...timed(person.last_seen, seen(person))),
      ...fact("Last active", ...timed(active, active ? ago(active) : "never")),
      ...fact("Status since", ...timed(since, since ? ago(since) : "always")),
      ...fact("Devices", count(person.devices)),
      ...(person.reason ? fact("Reason", make("bdi", {}, person.reason)) : []));
  }

  async loadHistory() {
    const days = +$("days").value, from = new Date(midnights(days)[0]).toISOString();
    if (!this.person || $("history").hidden) return;
    const history = await this.during(
      path => ask(`${path}/history?from=${from}`), error => this.noHistory(error));
    if (!history) return;
    const span = (kind, status) => ({ from, to }) =>
      ({ kind, status, to, start: Date.parse(from), end: to ? Date.parse(to) : now() });
    const gaps = (history.gaps ?? []).map(span("gap", "Not known"));
    const intervals = [...gaps, ...history.intervals.map(part => span(part.status, part.status)(part))]
      .sort((one, other) => one.start - other.start);
    write($("history-total"), `Online for ${length(history.online_seconds)} since ${at(history.from)}`
      + (history.truncated ? `, shown up to ${at(history.to)}` : gaps[0] ? ", as far as known" : ""));
    keepDrawn($("timeline"), width => timelinePicture(intervals, days, width));
    $("history-table").replaceChildren(timelineTable(intervals));
  }

  noHistory({ status, message }) {
    $("timeline").observer?.disconnect();
    write($("history-total"), status === 404 ? "There is no history." : message);
    $("timeline").replaceChildren();
  }

  async claim() {
    const body = { online_status: new FormData($("claim")).get("status") };
    const length = $("for").selectedOptions[0], [button] = $("claim").getElementsByTagName("button");
    if (length.value) body.for = length.value;
    button.disabled = true;
    write($("claim-result"), "");
    const person = await this.during(
      path => ask(path + "/status", { body }), error => write($("claim-result"), error.message));
    button.disabled = false;
    if (!person) return;
    this.show(person);
    write($("claim-result"), `${statusWord(body.online_status)} ${body.for ? "for " : ""}${length.text}.`);
  }
}

/** A time in words and exactly. */
const timed = (time, words) => time
  ? [words + " ", make("time", { datetime: time }, at(time))] : [words];
