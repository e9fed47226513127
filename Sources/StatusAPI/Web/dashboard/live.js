// Owns the connection that changes come by: a socket, or polling where sockets do not pass.
// Called by dashboard.js, which starts it after signing in.
// Never loses a change in silence: it resumes by cursor, or starts anew from a snapshot.

import { ask, openSocket, Refusal, session } from "./api.js";
import { setServerTime } from "./words.js";

const FIRST_WAIT = 500, LONGEST_WAIT = 30e3;
/** With a socket that opens, or answers a heartbeat. */
const PATIENCE = 8e3;
/** After so many attempts in vain sockets count as closed off, for that long. */
const ATTEMPTS = 2, SOCKET_AGAIN = 60e3;

/** Who is told: snapshot, changes, state. */
let tell;
let state = "connecting", way, since = Date.now(), isStopped = false;
let cursor = null, failures = 0, attempts = 0, socketAgain = 0;
/** What ends the present rest, asks the socket for a sign of life, and ends it. */
let wake, beat, end;

export function start(listener) {
  tell = listener;
  run();
}

export function stop() {
  isStopped = true;
  end?.(1000);
}

/** After sleep, or when in doubt: is this still a connection? */
export function check() {
  failures = 0;
  wake?.();
  beat?.();
}

async function run() {
  while (!isStopped) {
    try {
      await (attempts >= ATTEMPTS && Date.now() < socketAgain ? poll() : socket());
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      become("down");
      await rest(error.retryAfter);
    }
  }
}

function become(next, by) {
  if (next === state && by === way) return;
  if (next !== state) since = Date.now();
  state = next;
  way = by;
  tell.state(state, way, since);
}

/** Longer each time, and by chance: not all come back at once. */
function rest(least) {
  const most = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** failures++);
  return new Promise(resolve => {
    wake = resolve;
    setTimeout(resolve, Math.max(least, most * (0.5 + Math.random() / 2)));
  });
}

async function socket() {
  // Where none can be made, it is as if it had not opened.
  const { opened, code } = await follow().catch(() => ({}));
  if (isStopped) return;
  // Something was not read: all is told anew.
  if (code === 4429) cursor = null;
  if (opened && code !== 4401) throw new Refusal(0, "", code === 1013 ? 5e3 : 0);
  // Nobody tells a page why a handshake failed, and a logout on another device ends all sockets of
  // a user. Whether the credential counts, HTTP says.
  const { signed_in: isSignedIn } = await ask("whoami", { patience: PATIENCE });
  if (!isSignedIn) return session.ended();
  if (opened) throw new Refusal(0, "");
  attempts++;
  socketAgain = Date.now() + SOCKET_AGAIN * Math.min(attempts, 10);
}

/** One socket until its end: whether it opened, and the code that closed it. */
function follow() {
  return new Promise(resolve => {
    const socket = openSocket(cursor);
    let opened = false, timer, heart;
    end = code => {
      clearTimeout(timer);
      clearInterval(heart);
      end = beat = socket.onmessage = socket.onclose = null;
      socket.close();
      resolve({ opened, code });
    };
    // Any message is a sign of life; to a service, whose heart nobody knows, an error.
    beat = () => {
      if (socket.readyState === 1) socket.send('{"type":"heartbeat"}');
      timer ??= setTimeout(end, PATIENCE, 0);
    };
    beat();
    socket.onclose = event => end(event.code);
    socket.onmessage = ({ data }) => {
      clearTimeout(timer);
      timer = null;
      const message = JSON.parse(data);
      if (message.type === "hello") {
        opened = true;
        const every = 1000 * (message.heartbeat_every || 30);
        if (message.user_id !== null) heart = setInterval(() => document.hidden || beat(), every);
      }
      hear(message);
    };
  });
}

function hear(message) {
  if (message.server_time) setServerTime(message.server_time);
  if (message.cursor) cursor = message.cursor;
  if (message.type === "snapshot") replace(message.users);
  if (message.type === "presence") collect(message.changes);
  if (message.type !== "hello") return;
  failures = attempts = 0;
  become("live", "WebSocket");
}

/** The server answers when something happens. */
async function poll() {
  const query = new URLSearchParams({ wait: state === "live" ? "25s" : "0s" });
  if (cursor) query.set("since", cursor);
  const { cursor: next, reset, changes } = await ask("changes?" + query, { patience: 40e3 });
  cursor = next;
  failures = 0;
  if (reset) replace(changes);
  else collect(changes);
  become("live", "polling");
}

const pending = new Map();
let isDrawing = false;

function replace(users) {
  pending.clear();
  tell.snapshot(users);
}

/** What comes within a frame is shown at once, each user in the last state alone. */
function collect(changes) {
  for (const person of changes) pending.set(person.user_id, person);
  if (isDrawing || !pending.size) return;
  isDrawing = true;
  const show = () => {
    const users = [...pending.values()];
    pending.clear();
    isDrawing = false;
    if (!isStopped) tell.changes(users);
  };
  // A hidden tab has no frames.
  if (document.hidden) setTimeout(show, 1000);
  else requestAnimationFrame(show);
}
