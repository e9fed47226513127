// Owns the one connection of the browser: a socket, or long polls where no socket can be had.
// Called in the tab that leads, by its clock and by what the socket tells.
// Never tries a token twice that the sidecar did not take.

const NO_TOKEN = "no token found; waiting for one.";
const UNSENDABLE = "the token has a character that no request can carry; waiting for another one.";
const link = {
  turn: 0, // whoever waited for something and finds another number gives up
  token: "", good: null, refused: null, // the last one that was taken, and that was not
  doubted: null, // the one whose socket was closed as if it did not count any more
  socket: null, opened: 0, isWelcome: false, // whether its first state has come
  failures: 0, polls: 0, // sockets in a row that never opened, and how often polls took their place
  pauses: 0, timer: 0, abort: null,
  retry: 0, looked: 0, // when to look for a sign-in, and when the token was looked at
  cursor: "", // where to go on
  union: new Set(), // whom all tabs want
  scope: "none", // of whom the server tells: "none", "all", or a Set of ids
  asked: [], // the scopes whose first states are to come
  errors: 0, isWide: false,
  beat: 0, unanswered: 0, every: 30_000, // the last heartbeat, the first without an answer
};

const isRefused = (token) => token === link.refused && hasSource();

const connect = safely(async () => {
  const turn = ++link.turn;
  const isOver = () => turn !== link.turn || !leading;
  drop();
  const token = await findToken();
  if (isOver()) return;
  if (token === null) return rest(NO_TOKEN);
  if (isRefused(token)) return rest();
  link.token = token;
  if (!isSendable(token)) return refuse(UNSENDABLE);
  // A socket that is refused cannot say why, and the browser complains of it: so ask first.
  if (token !== link.good || link.failures) {
    const answer = await whoAmI();
    if (isOver()) return;
    if (answer === "nobody") return refuse();
    if (answer !== "somebody") return pause(answer);
    const isDoubted = token === link.doubted;
    link.doubted = null;
    // Of a server that closes again and again no socket is wanted at once each time.
    if (isDoubted) return pause(1);
    if (link.failures > 1) return poll(isOver);
  }
  open();
});

function open() {
  shared.all = wish().all;
  const isResumed = shared.all && link.cursor;
  const url = new URL("ws", base);
  url.protocol = url.protocol.replace("http", "ws");
  url.searchParams.set("subscription", isResumed ? "all" : "none");
  if (isResumed) url.searchParams.set("cursor", link.cursor);
  // What is no token of HTTP (RFC 9110 §5.6.2) cannot be the name of a protocol.
  const fits = /^[\w!#$%&'*+.^`|~-]+$/.test(link.token);
  if (link.token && !fits) url.searchParams.set("token", link.token);
  let socket;
  try {
    socket = link.token && fits ? new WebSocket(url, ["bearer", link.token]) : new WebSocket(url);
  } catch {
    link.failures = 2;
    return pause(1);
  }
  if (!isResumed) sure.clear();
  Object.assign(link, {
    socket, opened: clock(), isWelcome: false, scope: "none", beat: 0, unanswered: 0, errors: 0,
    asked: [isResumed ? "all" : "none"],
  });
  const ifOurs = (work) => safely((event) => socket === link.socket && work(event));
  socket.onopen = ifOurs(() => subscribe());
  socket.onmessage = ifOurs((event) => hear(JSON.parse(event.data)));
  socket.onclose = ifOurs((event) => closed(event.code));
}

/** Lets go of the connection, whatever it is. */
function drop() {
  const { socket } = link;
  Object.assign(link, { socket: null, scope: "none", asked: [] });
  clearTimeout(link.timer);
  link.abort?.abort();
  socket?.close(1000);
}

function closed(code) {
  if (!link.isWelcome) link.failures++;
  else if (clock() - link.opened > STALE) link.pauses = 0;
  if (code === 4401) return doubt();
  if (code === 4429) link.cursor = "";
  if (code === 1009) link.isWide = true;
  // After a restart all come at once; at a server that is full no place is free soon.
  pause(code === 1013 ? 15 : code === 1001 ? 2 : 1);
}

/** Tries again after so many seconds, doubled each time, less a random half. */
function pause(seconds) {
  drop();
  setStatus("waiting");
  const longest = Math.min(seconds * 1000 * 2 ** link.pauses++, 4 * LONGEST_PAUSE);
  link.timer = setTimeout(connect, longest * (0.5 + Math.random() / 2));
}

/** A logout on another device closes all of the user's sockets, and ends its own token alone. */
function doubt() {
  Object.assign(link, { good: null, doubted: link.token });
  setStatus("waiting");
  connect();
}

function refuse(why) {
  Object.assign(link, { refused: link.token, doubted: null });
  rest(why || (link.token ? "the token does not count (any more); waiting for another one."
    : "nobody is signed in; waiting."));
}

/** No token, no connection: the tick looks for another one. */
function rest(why) {
  if (why) say(why);
  link.retry = clock() + SIGNED_OUT_PAUSE;
  if (leading || clock() - heard > 2 * ROLL_CALL) setStatus("signed-out");
  if (!leading) return;
  drop();
  // Another tab may find what this one does not.
  if (hasSource()) standDown();
}

/** Something has happened that makes another attempt worth while. */
function hurry() {
  if (!leading) link.retry = 0;
  else if (shared.status === "waiting" || shared.status === "signed-out") soon(connect, TICK / 4);
}

/** Another token, or none any more: the connection is that of the one who is signed in. */
async function lookForToken() {
  link.looked = clock();
  if (hasSource() && (await findToken()) !== link.token && leading) connect();
}

/** Where no socket can be had: long polls, and now and then a try. */
async function poll(isOver) {
  const until = clock() + 2 ** Math.min(++link.polls, 5) * 60_000;
  Object.assign(link, { beat: 0, scope: "all" });
  remember("polls", clock());
  let wait = ""; // first what there is, then what comes
  shared.all = true;
  wish();
  while (clock() < until) {
    try {
      link.abort = new AbortController();
      const since = link.cursor && "since=" + encodeURIComponent(link.cursor);
      const response = await ask(`changes?${since}${wait}`, null, { signal: link.abort.signal });
      const { cursor, reset, changes } = await response.json();
      if (isOver()) return;
      if (response.status === 401) return refuse();
      if (!response.ok) return pause(+response.headers.get("Retry-After") || 2);
      link.cursor = cursor;
      wait = "&wait=25s";
      link.pauses = 0;
      setStatus("polling");
      if (reset) sure.clear();
      if (reset) cover(changes);
      else spread(learn(changes));
      describe();
      tick();
    } catch {
      return isOver() || pause(1);
    }
  }
  if (isOver()) return;
  link.failures = 1;
  connect();
}
