// Owns which tab of the browser leads: it holds the connection, the others tell it their wishes.
// Called at the start and at the end of a page, and by each tick.
// Never works across origins, profiles, or two sidecars of one origin.

const me = Math.random().toString(36).slice(2) + Date.now().toString(36);
const family = "presence-sidecar:" + base.pathname;
const tabs = new Map(); // the other tabs: id → { ids, visible, input, at }
let channel = null;
let isGone = false; // after pagehide, until the page comes back from the cache
let leading = false;
let candidate = null; // an AbortController while this tab leads or wants to
let release = () => {}; // gives the lock back
let heard = 0; // when the leader was heard
let called = 0; // when this tab has told that it is there

const post = (type, more) => channel?.postMessage({ type, from: me, ...more });

/** To the leader: whom this tab watches, and whether somebody is there. */
function announce(more) {
  forget();
  called = clock();
  post("tab", { ids: [...watchers.keys()], visible: isVisible(), input: activity.last, ...more });
  if (leading) soon(subscribe);
}

/** From the leader, to all tabs or to one: the state, these users, and who is asked about. */
function spread(users, to, expected = []) {
  post("state", { to, users, expected, shared: { ...shared }, cursor: link.cursor });
}

const received = {
  tab(message) {
    const before = new Set(message.fresh ? [] : tabs.get(message.from)?.ids);
    tabs.set(message.from, { ...message, at: clock() });
    if (!leading) return;
    const ids = new Set(message.ids.filter((id) => !before.has(id)));
    const isNews = (id) => ids.has("*") || ids.has(id);
    const users = ids.size ? [...known.values()].filter((user) => isNews(user.user_id)) : [];
    // Also where there is none: the leader lives.
    spread(users, message.from, ids.size ? [...pending].filter(isNews) : []);
    if (ids.size) soon(subscribe);
    // In another tab somebody may have signed in, or is looking at last.
    if (message.fresh) hurry();
    tick(); // A hidden tab's own timers hardly run.
  },
  bye(message) {
    tabs.delete(message.from);
  },
  lead() {
    heard = clock();
    announce();
  },
  state(message) {
    if (leading || (message.to && message.to !== me)) return;
    heard = clock();
    link.cursor = message.cursor;
    const isNews = message.shared.status !== shared.status;
    Object.assign(shared, message.shared);
    learn(message.users);
    expect(message.expected.filter(isWanted));
    if (isNews) statusChanged();
  },
};

function join() {
  isGone = false;
  if (options.share !== "off" && window.BroadcastChannel) {
    channel = new BroadcastChannel(family);
    channel.onmessage = safely(({ data }) => received[data.type]?.(data));
  }
  announce({ fresh: true });
  compete();
}

/** Wants to lead, once there is a token to lead with. `steal`: from a leader that is stuck. */
const compete = safely(async (steal) => {
  if (isGone || leading || (candidate && !steal)) return;
  candidate?.abort();
  const turn = (candidate = new AbortController());
  const token = await findToken();
  if (isGone || candidate !== turn) return;
  if (token === null || isRefused(token)) {
    candidate = null;
    return rest(token === null && NO_TOKEN);
  }
  if (!channel) return lead();
  if (!navigator.locks) return lease.tick();
  const held = () => new Promise((resolve) => {
    if (candidate !== turn) return resolve();
    release = resolve;
    lead();
  });
  navigator.locks.request(family, steal ? { steal } : { signal: turn.signal }, held)
    .catch(() => {}).then(() => candidate === turn && standDown());
});

function lead() {
  leading = true;
  // Where no socket could be had a minute ago, none is tried for each page.
  if (shared.status === "polling" || clock() - recall("polls") < 60_000) link.failures = 2;
  post("lead");
  connect();
}

function standDown() {
  candidate?.abort();
  candidate = null;
  if (leading) drop();
  leading = false;
  release();
  lease.end();
}

/** Where there are no Web Locks (on plain http): a lease in local storage, renewed by the tick. */
const lease = {
  holder() {
    const [tab, until] = (localStorage.getItem(family) || "").split(" ");
    return until > clock() && until < clock() + ROLL_CALL ? tab : null;
  },
  tick() {
    if (!candidate || !channel || navigator.locks) return;
    try {
      const holder = this.holder();
      if (holder && holder !== me) return leading && standDown();
      localStorage.setItem(family, `${me} ${clock() + 4 * TICK}`);
      if (leading) return;
      if (holder === me) lead();
      // Of several that write at once the last one finds itself there.
      else setTimeout(safely(() => this.holder() === me && this.tick()), 200);
    } catch {
      if (!leading) lead(); // No storage: each tab for itself.
    }
  },
  end() {
    try {
      if (this.holder() === me) localStorage.removeItem(family);
    } catch {
      // Nothing was written either.
    }
  },
};

/**
 * The page goes. The socket is closed in form, so that the server's grace begins now: a request
 * would tell that somebody is still there. Without a socket the last tab says that nobody is.
 */
function leave() {
  // A page that reloads itself is no input: the last one goes on with the tab.
  remember("input", activity.last);
  if (leading && !tabs.size && shared.status === "polling" && options.heartbeat !== "off") {
    ask("heartbeat", { status: "away" }, { keepalive: true }).catch(() => {});
  }
  isGone = true;
  standDown();
  post("bye");
  channel?.close();
  channel = null;
}
