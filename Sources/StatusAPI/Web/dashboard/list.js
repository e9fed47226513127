// Owns the list of users: the question, the pages at hand, the rows, what follows from changes.
// Called by overview.js.
// Never asks for a page because one user changed.

import { ask, Refusal } from "./api.js";
import { LongTable } from "./table.js";
import { $, ago, count, make, many, say, seen, statusWord, write, writeDot, writeTime } from "./words.js";

/** Rows of one question where all are shown, and how many such chunks are kept. */
const CHUNK = 200, CHUNKS = 50;
/** So often at most the list is asked for anew. */
const ANEW = 600;

export class List {
  query = { status: "online", search: "", ordering: "name", page: 1, size: "50" };
  total = 0;

  constructor() {
    this.forget();
    this.table = new LongTable($("users"), {
      make: makeRow,
      fill: (row, index) => fillRow(row, this.person(index)),
      shown: () => { this.wanting ||= setTimeout(() => this.want(), 100); },
    });
    this.attend();
  }

  attend() {
    $("size").onchange = () => this.change({ size: $("size").value });
    $("page").onchange = () => this.turn(+$("page").value || 1);
    $("previous").onclick = () => this.turn(this.query.page - 1);
    $("next").onclick = () => this.turn(this.query.page + 1);
    $("search").oninput = () => {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => this.change({ search: $("search").value.trim() }), 250);
    };
    for (const button of document.querySelectorAll("th button")) {
      button.onclick = () => this.change({
        ordering: this.query.ordering === "-last_seen" ? button.value.replace("-", "") : button.value,
      });
    }
    for (const tile of $("tiles").children) tile.onclick = () => this.change({ status: tile.value });
  }

  turn(page) {
    this.change({ page: Math.max(1, Math.min(Math.floor(page), this.pages)) });
    if ($("users").getBoundingClientRect().top < 0) $("list-title").scrollIntoView();
  }

  /** Another question. Without a page: from the first one on. */
  change(query) {
    Object.assign(this.query, { page: 1 }, query);
    this.table.aim(0);
    this.asked.abort();
    this.forget();
    this.isNew = true;
    this.frame();
    this.load(this.firstChunk);
  }

  frame() {
    const { ordering, page, size, status } = this.query;
    $("size").value = size;
    for (const button of document.querySelectorAll("th button")) {
      const isSorted = ordering.endsWith(button.value.replace("-", ""));
      button.parentNode.ariaSort = !isSorted ? null : ordering[0] === "-" ? "descending" : "ascending";
    }
    for (const tile of $("tiles").children) tile.ariaPressed = tile.value === status;
    if (document.activeElement !== $("page")) $("page").value = page;
    $("page").disabled = this.pages === 1;
    $("previous").disabled = page <= 1;
    $("next").disabled = page >= this.pages;
    write($("pages"), `of ${count(this.pages)}`);
  }

  get isWhole() { return this.query.size === "all"; }
  get pages() { return this.isWhole ? 1 : Math.max(1, Math.ceil(this.total / this.chunkSize)); }
  get firstChunk() { return this.isWhole ? 0 : this.query.page - 1; }

  forget() {
    this.chunkSize = this.isWhole ? CHUNK : +this.query.size;
    this.chunks = new Map();
    /** Where each user stands: chunk and place. */
    this.places = new Map();
    /** Chunks that are asked for, and who was told of meanwhile: that is newer. */
    this.loading = new Map();
    this.asked = new AbortController();
  }

  person(index) {
    const chunk = this.chunks.get(this.firstChunk + Math.floor(index / this.chunkSize));
    return chunk?.people[index % this.chunkSize];
  }

  /** Asks for what is in sight, not for all that a scroll passes. */
  want() {
    this.wanting = 0;
    const chunk = row => this.firstChunk + Math.floor(Math.max(0, row) / this.chunkSize);
    const [from, to] = this.table.inSight;
    for (let number = chunk(from); number <= chunk(to - 1); number++) {
      if (this.chunks.get(number)?.isStale !== false) this.load(number);
    }
  }

  async load(number) {
    const { loading, asked, lookedAt } = this, { status, search, ordering } = this.query, began = Date.now();
    if (loading.has(number)) return;
    const told = new Map();
    loading.set(number, told);
    // An empty value is no filter.
    const query = new URLSearchParams({
      status, search, ordering, page: number + 1, per_page: this.chunkSize,
    });
    try {
      const page = await ask("users?" + query, { signal: asked.signal });
      this.cost = Date.now() - began;
      page.results = page.results.map(person => told.get(person.user_id) ?? person);
      // Who has come or moved meanwhile may be missing in it.
      if (asked === this.asked) this.take(number, page, lookedAt !== this.lookedAt);
    } catch (error) {
      if (!asked.signal.aborted) this.fail(error, number);
    } finally {
      loading.delete(number);
    }
  }

  fail(error, number) {
    if (!(error instanceof Refusal)) throw error;
    // The page is gone: there are fewer users now.
    if (error.status === 404 && number > 0) return this.change({ page: Math.min(number, this.query.page) });
    if (!this.chunks.size) this.sayNobody(error.message);
    clearTimeout(this.again);
    this.again = setTimeout(() => this.load(number), error.retryAfter || 5000);
  }

  take(number, { count: total, results }, isStale) {
    // The server may allow fewer rows at once.
    if (!number && results.length < total) this.chunkSize = Math.min(this.chunkSize, results.length || 1);
    this.total = total;
    this.chunks.delete(number);
    this.chunks.set(number, { people: results, isStale });
    results.forEach((person, place) => this.places.set(person.user_id, [number, place]));
    // The oldest makes room.
    for (const [oldest, { people }] of this.chunks) {
      if (this.chunks.size <= CHUNKS) break;
      for (const person of people) this.places.delete(person.user_id);
      this.chunks.delete(oldest);
    }
    // Only admins are told the reason.
    if (results[0]) $("users").classList.toggle("admin", "reason" in results[0]);
    this.settle();
  }

  settle() {
    const rows = this.isWhole ? this.total : this.chunks.get(this.firstChunk)?.people.length ?? 0;
    const focused = document.activeElement?.closest("tr")?.link?.hash;
    this.frame();
    this.table.resize(rows, this.firstChunk * this.chunkSize, this.total);
    if (focused) this.follow(focused);
    const { status, search } = this.query, who = status ? `Nobody is ${status}` : "Nobody was ever seen";
    const none = who + (search ? ` whose name or id has “${search}” in it.${status && " Try Everyone."}` : ".");
    this.sayNobody(this.total ? "" : none);
    if (this.isNew) say(this.total ? many(this.total, "user") + " found." : none);
    this.isNew = false;
  }

  /** Who was focused stays so, on whatever row. */
  follow(focused) {
    for (const [index, { link }] of this.table.rows) {
      if (link.hash !== focused || link === document.activeElement) continue;
      this.table.aim(index);
      link.focus({ preventScroll: true });
    }
  }

  sayNobody(text) {
    write($("empty"), text);
    $("empty").hidden = !text;
  }

  /** Writes the rows of these users, and finds out at leisure whether the list is another. */
  patch(people) {
    for (const person of people) {
      for (const told of this.loading.values()) told.set(person.user_id, person);
      const [number, place] = this.places.get(person.user_id) ?? [];
      const list = this.chunks.get(number)?.people;
      if (list?.[place]?.user_id !== person.user_id) continue;
      person.hasChanged = list[place].online_status !== person.online_status;
      list[place] = person;
      this.table.later();
    }
    const { status, ordering } = this.query;
    const isMoved = status || ordering.endsWith("seen") || this.places.size >= this.total;
    if (!isMoved || this.looking) return;
    // A list that costs the server time is asked for the less often.
    const gap = Math.max(ANEW, 10 * (this.cost ?? 0)) + (this.lookedAt ?? 0) - performance.now();
    this.looking = setTimeout(() => this.renew(), Math.max(100, gap));
  }

  /** What is in sight is asked for anew; the rest when it comes into sight. */
  renew() {
    clearTimeout(this.looking);
    this.looking = 0;
    this.lookedAt = performance.now();
    for (const chunk of this.chunks.values()) chunk.isStale = true;
    if (!document.hidden) this.table.later();
  }
}

function makeRow() {
  const at = { dot: make("i"), word: make("span", { class: "word" }) };
  for (const name of ["name", "id", "small", "devices", "reason"]) at[name] = make("bdi");
  at.small.className = "small";
  at.seen = make("time");
  at.since = make("time");
  const link = make("a", {}, at.name);
  const cells = {
    status: [at.dot, at.word], name: [link, at.small], id: [at.id], seen: [at.seen],
    since: [at.since], devices: [at.devices], reason: [at.reason],
  };
  const row = make("tr");
  for (const name in cells) row.append(make("td", { class: "c-" + name }, ...cells[name]));
  row.addEventListener("click", ({ target }) => {
    if (!target.closest("a") && !String(getSelection())) link.click();
  });
  return Object.assign(row, { at, link });
}

/** Stands where somebody is still being asked for. */
const UNKNOWN = { user_id: "", name: "…", online_status: "" };

function fillRow(row, person = UNKNOWN) {
  const { at, link } = row, { user_id: id, online_status: status, devices, reason, since } = person;
  if (row.person !== person) {
    row.person = person;
    if (person.hasChanged) flash(row);
    link.href = "#/users/" + encodeURIComponent(id);
    write(at.name, link.title = person.name || id);
    writeDot(at.dot, status);
    write(at.word, statusWord(status));
    write(at.id, id);
    write(at.small, id);
    write(at.devices, devices ? count(devices) : "–");
    write(at.reason, at.reason.title = reason ?? "");
  }
  writeTime(at.seen, person.last_seen, seen(person));
  writeTime(at.since, since, since ? ago(since) : "–");
}

function flash(row) {
  row.className = "";
  // An animation begins anew only after a layout without it.
  row.getBoundingClientRect();
  row.className = "changed";
}
