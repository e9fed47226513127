// Owns the connection that changes come by: a socket, or polling where sockets do not pass.
// Called by dashboard.js, which starts it after signing in.
// Never loses a change in silence: it resumes by cursor, or starts anew from a snapshot.

import { ask, openSocket, Refusal, session } from "./api.js";
import { setServerTime } from "./words.js";

const FIRST_WAIT = 500, LONGEST_WAIT = 30e3;
/** How long a socket may take to open, and to answer a heartbeat. */
const PATIENCE = 8e3;
/** After so many attempts in vain sockets count as closed off, for that long. */
const ATTEMPTS = 2, SOCKET_AGAIN = 60e3;

export class Live {
  state = "connecting";
  since = Date.now();
  cursor = null;
  failures = 0;
  attempts = 0;
  pending = new Map();
  stopping = new AbortController();

  /** @param tell what is told: snapshot, changes, state */
  constructor(tell) {
    this.tell = tell;
    this.run();
  }

  get isStopped() { return this.stopping.signal.aborted; }

  stop() {
    this.stopping.abort();
    this.wake?.();
    this.end?.(1000);
  }

  /** After sleep, or when in doubt: is this still a connection? */
  check() {
    this.failures = 0;
    this.wake?.();
    this.beat?.();
  }

  async run() {
    while (!this.isStopped) {
      try {
        const isPolling = this.attempts >= ATTEMPTS && Date.now() < this.socketAgain;
        await (isPolling ? this.poll() : this.socket());
      } catch (error) {
        if (this.isStopped) return;
        if (!(error instanceof Refusal)) throw error;
        this.become("down");
        await this.rest(error.retryAfter);
      }
    }
  }

  become(state, via) {
    if (state === this.state && via === this.via) return;
    if (state !== this.state) this.since = Date.now();
    Object.assign(this, { state, via });
    this.tell.state(state, via, this.since);
  }

  /** Longer each time, and by chance: not all come back at once. */
  rest(least) {
    const most = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.failures++);
    return new Promise(resolve => {
      this.wake = resolve;
      setTimeout(resolve, Math.max(least, most * (0.5 + Math.random() / 2)));
    });
  }

  async socket() {
    const { opened, code } = await this.follow();
    if (this.isStopped) return;
    if (code === 4401) return session.ended();
    // Something was not read: all is told anew.
    if (code === 4429) this.cursor = null;
    if (opened) throw new Refusal(0, "", code === 1013 ? 5e3 : 0);
    // Nobody tells a page why a handshake failed. Whether it was the credential, HTTP says.
    const { signed_in: isSignedIn } = await ask("whoami", { patience: PATIENCE });
    if (!isSignedIn) return session.ended();
    this.attempts++;
    this.socketAgain = Date.now() + SOCKET_AGAIN * Math.min(this.attempts, 10);
  }

  /** One socket until its end: whether it was opened, and the code that closed it. */
  follow() {
    return new Promise(resolve => {
      let socket, opened = false, timer, heart;
      this.end = code => {
        clearTimeout(timer);
        clearInterval(heart);
        this.end = this.beat = null;
        if (socket) socket.onmessage = socket.onclose = null;
        socket?.close();
        resolve({ opened, code });
      };
      try {
        socket = openSocket(this.cursor);
      } catch {
        return this.end(0);
      }
      // Any message is a sign of life; to a service, whose heart nobody knows, an error.
      this.beat = () => {
        if (socket.readyState === 1) socket.send('{"type":"heartbeat"}');
        timer ??= setTimeout(this.end, PATIENCE, 0);
      };
      this.beat();
      socket.onclose = event => this.end(event.code);
      socket.onmessage = ({ data }) => {
        clearTimeout(timer);
        timer = null;
        const message = JSON.parse(data);
        if (message.type === "hello") {
          opened = true;
          const every = 1000 * (message.heartbeat_every || 30);
          if (message.user_id !== null) heart = setInterval(() => document.hidden || this.beat(), every);
        }
        this.hear(message);
      };
    });
  }

  hear(message) {
    if (message.server_time) setServerTime(message.server_time);
    if (message.cursor) this.cursor = message.cursor;
    if (message.type === "snapshot") this.replace(message.users);
    if (message.type === "presence") this.collect(message.changes);
    if (message.type !== "hello") return;
    this.failures = this.attempts = 0;
    this.become("live", "WebSocket");
  }

  /** One question; the server answers it when something happens. */
  async poll() {
    const query = new URLSearchParams({ wait: this.state === "live" ? "25s" : "0s" });
    if (this.cursor) query.set("since", this.cursor);
    const { cursor, reset, changes } = await ask(
      "changes?" + query, { signal: this.stopping.signal, patience: 40e3 });
    this.cursor = cursor;
    this.failures = 0;
    if (reset) this.replace(changes);
    else this.collect(changes);
    this.become("live", "polling");
  }

  replace(users) {
    this.pending.clear();
    this.tell.snapshot(users);
  }

  /** What comes within a frame is shown at once, each user in the last state alone. */
  collect(changes) {
    for (const person of changes) this.pending.set(person.user_id, person);
    if (this.isDrawing || !this.pending.size) return;
    this.isDrawing = true;
    const show = () => {
      const users = [...this.pending.values()];
      this.pending.clear();
      this.isDrawing = false;
      if (!this.isStopped) this.tell.changes(users);
    };
    // A hidden tab has no frames.
    if (document.hidden) setTimeout(show, 1000);
    else requestAnimationFrame(show);
  }
}
