// Owns what is known of whom, who wants to know, and `window.presence`.
// Called by the page, by dots, and by whatever brings news.
// Never knows where news comes from.

const known = new Map(); // id → presence object
const sure = new Set(); // of whom all is known since this connection began
const pending = new Set(); // who are offline, and since when is being asked
const watchers = new Map(); // id or "*" → Set of { callback, isEarly }
/** The same in all tabs; the one that leads says so. */
const shared = {
  status: "starting", since: clock(), // of the connection
  user: null, // whose it is
  skew: 0, // the sidecar's clock less ours
  mine: null, // what the last heartbeat said
  all: false, // whether news of everybody comes
};

const unseen = (id, status = "offline") => ({
  user_id: id, name: null, online_status: status, is_online: false, last_seen: null,
  last_active: null, since: null, devices: 0,
});
const FIELDS = ["online_status", "last_seen", "last_active", "since", "name", "devices"];

/** Whether it can be somebody's: for one that cannot a whole question would be refused. */
const isID = (id) => id !== "" && !/[\p{Cc}\p{Cs}]/u.test(id)
  && (id.length < 86 || new TextEncoder().encode(id).length <= 256);

/** By this tab or, where it leads, by another one; or the socket tells it anyway. */
const isWanted = (id) => shared.all || watchers.has(id) || watchers.has("*")
  || link.union.has(id) || link.scope.has?.(id);

const isConnected = () => shared.status === "open" || shared.status === "polling";

/** Takes presence objects in and tells those who watch. Returns what was new. */
function learn(list) {
  const wanted = list.filter((user) => isWanted(user.user_id));
  for (const { user_id: id } of wanted) {
    sure.add(id);
    if (pending.delete(id)) tellEarly(id);
  }
  const news = wanted.filter((user) => {
    const old = known.get(user.user_id);
    return !(old && FIELDS.every((key) => old[key] === user[key]));
  });
  for (const user of news) known.set(user.user_id, Object.freeze(user));
  for (const user of news) {
    for (const id of [user.user_id, "*"]) {
      for (const watcher of [...(watchers.get(id) || [])]) call(watcher.callback, user);
    }
    presence.dispatchEvent(new CustomEvent("change", { detail: user }));
  }
  return news;
}

/** They are offline, and no more is known of them yet: dots say so, callbacks wait. */
function expect(ids) {
  for (const id of ids) {
    pending.add(id);
    tellEarly(id);
  }
}

function tellEarly(id) {
  for (const watcher of watchers.get(id) || []) if (watcher.isEarly) watcher.callback();
}

/** Lets go of those whom nobody watches any more: they would be out of date unnoticed. */
function forget() {
  for (const id of [...known.keys(), ...pending]) {
    if (!isWanted(id)) for (const all of [known, pending, sure]) all.delete(id);
  }
}

/** Whoever watches is told from now on. Returns what ends it. */
function enroll(all, watcher) {
  const ids = all.filter(isID);
  for (const id of ids) {
    if (!watchers.has(id)) watchers.set(id, new Set());
    watchers.get(id).add(watcher);
  }
  soon(announce);
  return () => {
    for (const id of ids) {
      const set = watchers.get(id);
      if (set?.delete(watcher) && !set.size) watchers.delete(id);
    }
    soon(announce);
  };
}

function setStatus(status) {
  if (shared.status === status) return;
  Object.assign(shared, { status, since: clock() });
  statusChanged();
  if (leading) spread([]);
}

function statusChanged() {
  // Nothing is left to see for whoever comes after.
  if (shared.status === "signed-out") for (const all of [known, pending, sure]) all.clear();
  presence.dispatchEvent(new CustomEvent("status", { detail: shared.status }));
  drawAll();
}

class Presence extends EventTarget {
  /** "starting", "open", "polling", "waiting" (for the next attempt) or "signed-out". */
  get status() { return shared.status; }
  /** Since when. */
  get since() { return new Date(shared.since); }
  /** The id of the user who is signed in; null: not known, or a service. */
  get user() { return shared.user; }
  /** What dots say; each can be set. */
  get texts() { return texts; }

  /** A presence object; undefined: not watched, or not known yet. */
  get(id) { return known.get(String(id)); }

  /**
   * Calls back with a presence object soon, where it is known, and at every change.
   * `ids`: one, several, or "*" for everybody of whom news comes. Returns what ends it.
   */
  watch(ids, callback) {
    const list = [...new Set([ids].flat().map(String))];
    const end = enroll(list, { callback });
    let isWatching = true;
    queueMicrotask(() => {
      for (const id of list.includes("*") ? [...known.keys()] : list) {
        if (isWatching && known.has(id)) call(callback, known.get(id));
      }
    });
    return () => {
      isWatching = false;
      end();
    };
  }

  /** Looks for the token now: for a page that has just signed somebody in. */
  connect() {
    Object.assign(link, { refused: null, pauses: 0, looked: 0 });
    if (!leading) compete();
    else if (isConnected()) lookForToken();
    else connect();
  }

  /** What another tag of this script says and ours did not. */
  configure(other) {
    const more = Object.entries(other?.dataset || {}).filter(([key]) => !(key in options));
    if (!more.length) return;
    Object.assign(options, Object.fromEntries(more));
    readOptions();
    drawAll();
    this.connect();
  }
}

const presence = new Presence();
