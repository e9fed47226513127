// Owns the list of users: the question, the pages at hand, the rows, what follows from changes.
// Called by overview.js.
// Never asks for a page because one user changed.

import { ask, Refusal } from "./api.js";
import * as table from "./table.js";
import { $, ago, count, many, say, seen, statusWord, write, writeTime } from "./words.js";

/** Rows of one question where all are shown, and how many such chunks are kept. */
const CHUNK = 200, CHUNKS = 50;
/** So often at most it is asked anew; so long old rows stand under a new question. */
const ANEW = 600, PATIENCE = 1000;
/** What an address may ask for: the usual, and whatever else makes sense. */
const QUESTION = {
  status: ["online", /^(away|offline|)$/], search: ["", /^.{1,80}$/],
  ordering: ["name", /^(user_id|-?last_seen)$/],
  page: ["1", /^[1-9]\d{0,8}$/], size: ["50", /^(25|200|all)$/],
};

function questionIn(hash) {
  const said = new URLSearchParams(hash.split("?")[1]), query = {};
  for (const key in QUESTION) {
    const [usual, other] = QUESTION[key], value = said.get(key) ?? usual;
    query[key] = other.test(value) ? value : usual;
  }
  if (query.size === "all") query.page = "1";
  return query;
}

function addressOf(query) {
  const said = Object.entries(query).filter(([key, value]) => `${value}` !== QUESTION[key][0]);
  return said.length ? "#/?" + new URLSearchParams(said) : "#/";
}

const tiles = $("tiles").children, headings = document.querySelectorAll("th button");

/** What is asked for, its address, and whether no answer was told yet. */
let query = questionIn(""), address, isNew;
/** How many there are, and the chunks at hand by their numbers. */
let total = 0, chunks, chunkSize;
/** Chunks that are asked for, and who was told of meanwhile: that is newer. */
let loading, asking;
/** What the last answer took, and when all was last asked for. */
let cost = 0, lookedAt = 0;
let typing, late, wanting, looking;

const isWhole = () => query.size === "all";
const pages = () => isWhole() ? 1 : Math.max(1, Math.ceil(total / chunkSize));
const firstChunk = () => isWhole() ? 0 : query.page - 1;
const isKnown = () => isWhole() ? chunks.size > 0 : chunks.has(firstChunk());

function forget() {
  asking?.abort();
  chunkSize = isWhole() ? CHUNK : +query.size;
  chunks = new Map();
  loading = new Map();
  asking = new AbortController();
}
forget();

table.begin({
  make: makeRow,
  fill: (row, index) => fillRow(row, chunks.get(firstChunk() + Math.floor(index / chunkSize))?.people[index % chunkSize]),
  shown: () => { wanting ||= setTimeout(want, 100); },
});

$("size").onchange = () => change({ size: $("size").value });
$("page").onchange = () => turn(+$("page").value || 1);
$("previous").onclick = () => turn(query.page - 1);
$("next").onclick = () => turn(+query.page + 1);
$("search").oninput = () => {
  clearTimeout(typing);
  typing = setTimeout(() => change({}, query.search ? "replaceState" : "pushState"), 250);
};
for (const button of headings) {
  const { value } = button, other = value.replace("-", "");
  button.onclick = () => change({ ordering: query.ordering === value ? other : value });
}
for (const tile of tiles) tile.onclick = () => change({ status: tile.value });

function turn(page) {
  change({ page: Math.max(1, Math.min(Math.floor(page), pages())) });
  if ($("users").getBoundingClientRect().top < 0) $("list-title").scrollIntoView();
}

/** Another question, with what is typed; without a page from the first one on. */
function change(part, how = "pushState") {
  const next = addressOf({ ...query, search: $("search").value.trim(), page: 1, ...part });
  // Safari takes a hundred addresses in half a minute, and throws: the list is shown all the same.
  try { if (next !== address) history[how](null, "", next); } catch { /* The address is an old one. */ }
  open(next);
}

/** The list at that address. */
export function open(hash) {
  const next = questionIn(hash);
  $("back").hash = addressOf(next);
  if (addressOf(next) === address) return table.show();
  const isSame = addressOf({ ...next, page: 1 }) === addressOf({ ...query, page: 1 });
  query = next;
  address = addressOf(next);
  isNew = true;
  clearTimeout(typing);
  clearTimeout(late);
  if ($("search").value.trim() !== query.search) $("search").value = query.search;
  if (!isSame) forget();
  table.aim(0);
  frame();
  if (isKnown()) settle();
  else late = setTimeout(showNobody, PATIENCE, "Asking …");
  load(firstChunk());
}

function frame() {
  const { ordering, page, size, status } = query;
  $("size").value = size;
  for (const button of headings) {
    const isSorted = ordering.endsWith(button.value.replace("-", ""));
    button.parentNode.ariaSort = !isSorted ? null : ordering[0] === "-" ? "descending" : "ascending";
  }
  for (const tile of tiles) tile.ariaPressed = tile.value === status;
  if (document.activeElement !== $("page")) $("page").value = page;
  $("page").disabled = pages() === 1;
  $("previous").disabled = page <= 1;
  $("next").disabled = page >= pages();
  write("pages", `of ${count(pages())}`);
}

/** Asks for what is in sight, not for all that a scroll passes. */
function want() {
  wanting = 0;
  const chunk = row => firstChunk() + Math.floor(Math.max(0, row) / chunkSize);
  const [from, to] = table.inSight;
  for (let number = chunk(from); number <= chunk(to - 1); number++) {
    if (chunks.get(number)?.isStale !== false) load(number);
  }
}

async function load(number) {
  if (loading.has(number)) return;
  const { signal } = asking, { status, search, ordering } = query, all = loading, looked = lookedAt;
  const told = new Map(), began = Date.now();
  all.set(number, told);
  // An empty value is no filter.
  const wanted = new URLSearchParams({ status, search, ordering, page: number + 1, per_page: chunkSize });
  try {
    const page = await ask("users?" + wanted, { signal }), heardAt = Date.now();
    cost = heardAt - began;
    page.results = page.results.map(person => told.get(person.user_id) ?? { ...person, heardAt });
    // Who has come or moved meanwhile may be missing in it.
    if (!signal.aborted) take(number, page, looked !== lookedAt);
  } catch (error) {
    if (!signal.aborted) fail(error, number);
  } finally {
    all.delete(number);
  }
}

function fail(error, number) {
  if (!(error instanceof Refusal)) throw error;
  if (error.status === 404 && number > 0) {
    // The page is gone: there are fewer users now.
    total = Math.min(total, number * chunkSize);
    return isWhole() ? settle() : change({ page: pages() }, "replaceState");
  }
  if (!isKnown()) showNobody("This cannot be asked now. " + error.message);
  looking ||= setTimeout(renew, error.retryAfter || 2000);
}

function take(number, { count, results: people }, isStale) {
  // The server may allow fewer rows at once.
  if (number * chunkSize + people.length < count) chunkSize = people.length || 1;
  total = count;
  chunks.delete(number);
  chunks.set(number, { people, isStale });
  // The oldest makes room.
  if (chunks.size > CHUNKS) chunks.delete(chunks.keys().next().value);
  // Only admins are told the reason.
  if (people[0]) $("users").classList.toggle("admin", "reason" in people[0]);
  if (isKnown()) settle();
}

function settle() {
  clearTimeout(late);
  if (total) {
    const focused = document.activeElement?.closest("tr")?.link?.hash;
    frame();
    table.resize(isWhole() ? total : chunks.get(firstChunk()).people.length, firstChunk() * chunkSize, total);
    // Who was focused stays so, on whatever row.
    for (const [index, { link }] of table.rows) {
      if (link.hash !== focused || link === document.activeElement) continue;
      table.aim(index);
      link.focus({ preventScroll: true });
    }
    write("empty", "");
    if (isNew) say(many(total, "user") + " found.", true);
  } else {
    const { status, search } = query, who = status ? `Nobody is ${status}` : "Nobody was ever seen";
    showNobody(who + (search ? ` whose name or id has “${search}” in it.${status && " Try Everyone."}` : "."));
  }
  isNew = false;
}

/** No rows, and why. */
function showNobody(text) {
  clearTimeout(late);
  if (!chunks.size) total = 0;
  frame();
  table.resize(0, 0, 0);
  if (isNew && $("empty").textContent !== text) say(text, true);
  write("empty", text);
}

/** What was last heard of a user; nothing of most. */
export const known = id =>
  [...chunks.values()].flatMap(({ people }) => people).find(person => person.user_id === id);

/** Writes the rows of these users, and finds out at leisure whether others follow. */
export function patch(changed) {
  const news = new Map(changed.map(person => [person.user_id, { ...person, heardAt: Date.now() }]));
  for (const told of loading.values()) news.forEach((person, id) => told.set(id, person));
  for (const { people } of chunks.values()) {
    people.forEach((before, place) => {
      const person = news.get(before.user_id);
      if (!person) return;
      person.hasChanged = before.online_status !== person.online_status;
      people[place] = person;
    });
  }
  table.later();
  // Else only who is new can have moved anybody: that shows in short lists.
  const isMoved = query.status || query.ordering.endsWith("seen") || total < CHUNK;
  if (!isMoved || looking) return;
  // A list that costs the server time is asked for the less often.
  looking = setTimeout(renew, Math.max(100, Math.max(ANEW, 10 * cost) + lookedAt - performance.now()));
}

/** What is in sight is asked for anew; the rest when it comes into sight. */
export function renew() {
  clearTimeout(looking);
  looking = 0;
  lookedAt = performance.now();
  for (const chunk of chunks.values()) chunk.isStale = true;
  if (!document.hidden) table.later();
}

function makeRow() {
  const row = $("row").content.firstElementChild.cloneNode(true);
  const [dot, word, link, name, small, id, seen, since, devices, reason] = row.querySelectorAll("td *");
  row.onclick = ({ target }) => target.closest("a") || String(getSelection()) || link.click();
  return Object.assign(row, { link, at: { dot, word, name, small, id, seen, since, devices, reason } });
}

/** Stands where somebody is being asked for. */
const UNKNOWN = { user_id: "", name: "…", online_status: "" };

function fillRow(row, person = UNKNOWN) {
  const { at, link } = row, { user_id: id, online_status: status, devices, reason, since } = person;
  if (row.person !== person) {
    row.person = person;
    if (person.hasChanged) {
      row.className = "";
      // An animation begins anew only after a layout without it.
      row.getBoundingClientRect();
      row.className = "changed";
      // Once: not again where the row comes back into sight.
      person.hasChanged = false;
    }
    link.href = "#/users/" + encodeURIComponent(id);
    write(at.name, link.title = person.name || id);
    at.dot.className = "dot " + status;
    write(at.word, statusWord(status));
    write(at.id, id);
    write(at.small, id);
    write(at.devices, devices ? count(devices) : "–");
    write(at.reason, at.reason.title = reason ?? "");
  }
  writeTime(at.seen, person.last_seen, seen(person));
  writeTime(at.since, since, since ? ago(since) : "–");
}
