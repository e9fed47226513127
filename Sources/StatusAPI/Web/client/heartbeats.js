// Owns whether somebody is there, how the sidecar hears of it, and the tick of a second.
// Called by input, by the clock, and by messages of other tabs.
// Never looks at what is typed or where; only that there was input, and when.

const activity = {
  last: clock(), // input in this tab
  limit: 300_000, // for so long without input somebody is there
};

/** `wheel` and not `scroll`: a page that scrolls by itself is no input either. */
const INPUTS = ["pointermove", "pointerdown", "keydown", "wheel", "touchstart", "touchmove"];

function noticed() {
  activity.last = clock();
  if (shared.mine !== "away") return;
  if (leading) tick();
  else soon(announce);
}

/** Tells the sidecar every `heartbeat_every` while a tab is visible, and at each change. */
function beat(now) {
  if (options.heartbeat === "off") return;
  const others = [...tabs.values()];
  const input = Math.max(activity.last, ...others.map((tab) => tab.input));
  const status = now - input < activity.limit ? "online" : "away";
  const isSeen = isVisible() || others.some((tab) => tab.visible);
  const isDue = !link.beat || (isSeen && Math.abs(now - link.beat) >= link.every);
  if (!isDue && status === shared.mine) return;
  link.beat = now;
  if (link.socket) {
    link.unanswered ||= now;
    link.socket.send(JSON.stringify({ type: "heartbeat", status }));
  } else {
    ask("heartbeat", { status }).catch(() => {});
  }
  if (status === shared.mine) return;
  shared.mine = status;
  spread([]);
}

/** Once a second: all that time brings about. */
function tick() {
  if (isGone) return;
  const now = clock();
  drawAnew(!isConnected() && now - shared.since > STALE);
  if (Math.abs(now - called) >= ROLL_CALL) announce();
  lease.tick();
  if (leading) return tickLeading(now);
  if (!candidate) {
    if (!options.tokenCallback || now > link.retry) compete();
    return;
  }
  // A leader that does not answer (a frozen tab) is one no more.
  const isMute = called > heard && now - called > ROLL_CALL / 2;
  if (isMute && isVisible() && navigator.locks) compete(true);
}

function tickLeading(now) {
  const { socket } = link;
  const isOpen = socket?.readyState === 1;
  if (isOpen ? shared.user !== null : shared.status === "polling") beat(now);
  const asked = isOpen ? link.unanswered : link.opened;
  if (socket && asked && now - asked > ANSWER) {
    closed(0);
  } else if (shared.status === "signed-out") {
    if (now > link.retry && isVisible()) connect();
  } else if (isConnected() && !options.tokenCallback && now - link.looked > 5 * TICK) {
    lookForToken();
  }
}
