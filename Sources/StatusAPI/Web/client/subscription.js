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

/** These are offline. */
function miss(ids) {
  const isNews = (id) => id !== "*" && known.get(id)?.online_status !== "offline";
  const missing = ids.filter(isNews);
  const offline = { online_status: "offline", is_online: false, since: null, devices: 0 };
  spread(learn(missing.map((id) => ({ ...unseen(id), ...known.get(id), ...offline }))));
  describe(missing);
}

/** Names and times of those who are offline, of whom a snapshot tells nothing. */
async function describe(ids) {
  for (let at = 0; at < ids.length; at += NAMES) {
    const some = ids.slice(at, at + NAMES);
    const before = some.map((id) => known.get(id));
    try {
      const { results } = await (await ask("users/query", { ids: some })).json();
      // What has come meanwhile is newer.
      const isSame = (id, place) => results[id] && known.get(id) === before[place];
      spread(learn(some.filter(isSame).map((id) => results[id])));
    } catch {
      return; // They stay without a time.
    }
  }
}
