// Owns one user's page: facts, history, and the form that sets the status.
// Called by dashboard.js when the address names a user.
// Never offers a status to whoever may not set it.

import { ask, one, Refusal } from "./api.js";
import { keepDrawn, midnights, timelinePicture, timelineTable } from "./charts.js";
import { $, ago, at, count, length, make, now, say, seen, statusWord, write } from "./words.js";

/** Answers read of one history, of a thousand intervals each. */
const MOST_ANSWERS = 5;

/** Whose page it is (null: nobody's), what was heard of them, and when. */
let id = null, person, heardAt;
let reloading;

$("days").onchange = loadHistory;
$("claim").onsubmit = claim;

/** Nobody where `user` is null; `known` is what the list knows. */
export function open(user, known) {
  id = user;
  person = null;
  for (const part of ["user-status", "facts", "claim-result", "user-error"]) write(part, "");
  $("claim").hidden = $("history").hidden = true;
  noHistory("");
  write("user-name", id ?? "");
  document.title = `${id} – Presence`;
  if (known) show(known);
  load();
}

/** Runs a question; what comes once the page is another's counts for nothing. */
async function during(asking, failed = fail) {
  const whose = id;
  try {
    const answer = await asking(`users/${encodeURIComponent(id)}`);
    return id === whose ? answer : null;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (id === whose) failed(error);
  }
}

export async function load() {
  const found = id !== null && await during(() => one(id));
  if (!found) return;
  show(found);
  loadHistory();
}

function fail({ message }) {
  write("user-error", message + (person ? ` What you see is as of ${at(heardAt)}.` : ""));
}

export function changes(people) {
  const changed = people.find(person => person.user_id === id);
  if (!changed) return;
  const { name, online_status: status } = changed;
  if (person?.online_status !== status) say(`${name ?? id} is ${status}.`);
  show(changed);
  reloading ||= setTimeout(() => {
    reloading = 0;
    loadHistory();
  }, 2000);
}

function show(found) {
  person = found;
  heardAt = found.heardAt ?? Date.now();
  write("user-error", "");
  const { name, online_status: status } = person;
  write("user-name", name || id);
  document.title = `${name || id} – Presence`;
  $("user-status").replaceChildren(make("i", { class: "dot " + status }), statusWord(status));
  $("claim").hidden = $("history").hidden = !("reason" in person);
  showFacts();
}

/** Words about time grow old. */
export function showFacts() {
  if (!person) return;
  const fact = (name, ...value) => [make("dt", {}, name), make("dd", {}, ...value)];
  $("facts").replaceChildren(
    ...fact("Id", make("bdi", {}, person.user_id)),
    ...fact("Last seen", ...timed(person.last_seen, "never", seen(person))),
    ...fact("Last active", ...timed(person.last_active, "never")),
    ...fact("Status since", ...timed(person.since, "always")),
    ...fact("Devices", count(person.devices)),
    ...(person.reason ? fact("Reason", make("bdi", {}, person.reason)) : []));
}

async function loadHistory() {
  const days = +$("days").value, from = new Date(midnights(days)[0]).toISOString();
  if (!person || $("history").hidden) return;
  const history = await during(
    path => wholeHistory(path + "/history?from=", from),
    ({ status, message }) => noHistory(status === 404 ? "There is no history." : message));
  // Other days may have been chosen meanwhile.
  if (!history || +$("days").value !== days) return;
  const intervals = history.intervals
    .map(part => ({ ...part, start: Date.parse(part.from), end: part.to ? Date.parse(part.to) : now() }))
    .sort((one, other) => one.start - other.start);
  const isKnown = intervals.every(({ status }) => status !== "gap");
  write("history-total", `Online for ${length(history.online_seconds)} since ${at(history.from)}`
    + (history.truncated ? `, shown up to ${at(history.to)}` : isKnown ? "" : ", as far as known"));
  keepDrawn($("timeline"), width => timelinePicture(intervals, days, width));
  $("history-table").replaceChildren(timelineTable(intervals));
}

/** No picture, and why. */
function noHistory(text) {
  $("timeline").observer?.disconnect();
  for (const part of ["timeline", "history-table"]) $(part).replaceChildren();
  write("history-total", text);
}

async function claim(event) {
  event.preventDefault();
  const { status, for: time } = $("claim").elements, [{ text }] = time.selectedOptions;
  const body = { online_status: status.value, for: time.value || undefined };
  const tell = text => write("claim-result", text);
  tell("");
  const found = await during(path => ask(path + "/status", { body }), error => tell(error.message));
  if (!found) return;
  show(found);
  tell(`${statusWord(body.online_status)} ${body.for ? "for " : ""}${text}.`);
}

/** A truncated answer speaks up to its `to`, and the rest begins there. Gaps are intervals, too. */
async function wholeHistory(path, from, answers = MOST_ANSWERS) {
  const { gaps = [], ...whole } = await ask(path + from);
  for (const gap of gaps) whole.intervals.push({ status: "gap", ...gap });
  if (!whole.truncated || answers === 1) return whole;
  const { to, truncated, intervals, online_seconds: seconds } = await wholeHistory(path, whole.to, answers - 1);
  return {
    from: whole.from, to, truncated,
    intervals: [...whole.intervals, ...intervals], online_seconds: whole.online_seconds + seconds,
  };
}

/** A time in words and exactly. */
const timed = (time, never, words = time && ago(time)) =>
  time ? [words + " ", make("time", { datetime: time }, at(time))] : [never];
