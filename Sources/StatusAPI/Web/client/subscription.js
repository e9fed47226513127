// Owns what is said on the socket: of whom news is wanted, and what the server tells of them.
// Called by the connection with each message, and by the tabs when their wishes change.
// Never asks anew before the answer is there, so that each snapshot is known to be whose.

const messages = {
  hello(message) {
    shared.user = message.user_id;
    shared.skew = Date.parse(message.server_time) - clock();
    link.every = message.heartbeat_every * 1000;
    tick();
  },
  snapshot(message) {
    if (link.asked.length) link.scope = link.asked.shift();
    cover(message.users);
  },
  presence(message) {
    // A socket that goes on from a cursor begins with what was missed.
    if (!link.isWelcome) link.scope = link.asked.shift();
    spread(learn(message.changes));
  },
  heartbeat() {
    link.unanswered = 0;
  },
  /** A question too many or too long: later again, and then for everybody. */
  error() {
    if (link.asked.length > (link.isWelcome ? 0 : 1)) link.asked.pop();
    if (++link.errors > 2) link.isWide = true;
    soon(subscribe, 2 * TICK);
  },
};

function hear(message) {
  if (message.cursor) link.cursor = message.cursor;
  messages[message.type]?.(message);
  if (message.cursor && !link.isWelcome) {
    Object.assign(link, { isWelcome: true, failures: 0, polls: 0, good: link.token });
    remember("polls", 0);
  }
  if (!link.isWelcome || link.asked.length) return;
  setStatus("open");
  if (message.type === "snapshot") subscribe();
  describe();
}

/** Whom all tabs together want, and whether that is too much for a list. */
function wish() {
  for (const [id, tab] of tabs) if (clock() - tab.at > 12 * ROLL_CALL) tabs.delete(id);
  link.union = new Set([...watchers.keys(), ...[...tabs.values()].flatMap((tab) => tab.ids)]);
  const text = JSON.stringify({ type: "subscribe", users: [...link.union] });
  const isLong = link.union.size > NAMES || text.length > MESSAGE;
  return { text, all: link.isWide || isLong || link.union.has("*") };
}

/** Asks for what is wanted and does not come yet. */
function subscribe() {
  if (!leading) return;
  const { text, all } = wish();
  const { union } = link;
  // Everybody's news comes: who was not among them is offline.
  if (link.scope === "all" && isConnected()) return miss([...union].filter((id) => !known.has(id)));
  if (link.socket?.readyState !== 1 || link.asked.length > (link.isWelcome ? 0 : 1)) return;
  const now = link.asked[0] ?? link.scope;
  if (now === "all" || (now === "none" && !union.size)) return;
  // A few too many do no harm: a list that has shrunk stays as it is.
  if (!all && now.size <= 2 * union.size + 50 && [...union].every((id) => now.has(id))) return;
  shared.all = all;
  link.asked.push(all ? "all" : union);
  link.socket.send(all ? '{"type":"subscribe","users":"*"}' : text);
}

/** The whole state of the scope: who is not in it is offline. */
function cover(list) {
  const here = new Set(list.map((user) => user.user_id));
  spread(learn(list));
  const ids = { none: [], all: [...link.union, ...known.keys()] }[link.scope] ?? link.scope;
  miss([...new Set(ids)].filter((id) => !here.has(id)));
}

/** These are offline. Of whom no more is known since this connection began, more is asked. */
function miss(ids) {
  const isKnown = (id) => sure.has(id) && known.get(id)?.online_status === "offline";
  const missing = ids.filter((id) => id !== "*" && !pending.has(id) && !isKnown(id));
  const offline = { online_status: "offline", is_online: false, since: null, devices: 0 };
  const gone = missing.filter((id) => known.has(id) && known.get(id).online_status !== "offline");
  spread(learn(gone.map((id) => ({ ...known.get(id), ...offline }))));
  expect(missing);
  spread([], undefined, missing);
  describe();
}

const question = { isOpen: false, failures: 0, timer: 0 };

/** Names and times of those who are offline, of whom a snapshot tells nothing. */
async function describe() {
  if (question.isOpen || question.timer) return;
  question.isOpen = true;
  let wait = 0;
  for (const asked = new Set(); leading && isConnected() && !wait; ) {
    const some = [...pending].filter((id) => !asked.has(id)).slice(0, NAMES);
    if (!some.length) break;
    for (const id of some) asked.add(id);
    wait = await describeSome(some);
  }
  question.isOpen = false;
  question.failures = wait ? question.failures + 1 : 0;
  if (!wait) return;
  question.timer = setTimeout(safely(() => {
    question.timer = 0;
    return describe();
  }), wait);
}

/** For how many milliseconds to wait until these are asked about again; 0: they need not be. */
async function describeSome(ids) {
  const before = ids.map((id) => known.get(id));
  const turn = link.token;
  const longest = Math.min(1000 * 2 ** question.failures, 2 * LONGEST_PAUSE);
  const pause = longest * (0.5 + Math.random() / 2);
  try {
    const response = await ask("users/query", { ids });
    const { status } = response;
    if (status === 429 || status === 408 || status > 499) {
      return Math.min(+response.headers.get("Retry-After") || 0, 3600) * 1000 + pause;
    }
    const results = response.ok ? (await response.json()).results : {};
    if (turn !== link.token || status === 401) return 0;
    // What has come meanwhile is newer.
    const isSame = (id, place) => pending.has(id) && known.get(id) === before[place];
    const same = ids.filter(isSame);
    spread(learn(same.map((id) => results[id]).filter(Boolean)));
    // Who may not ask says of nobody that he was never seen.
    const silent = same.filter((id) => !results[id]);
    spread(learn(silent.map((id) => known.get(id) || unseen(id))));
    expect(silent);
    spread([], undefined, silent);
    return 0;
  } catch {
    return pause;
  }
}
