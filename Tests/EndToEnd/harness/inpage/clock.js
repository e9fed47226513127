// Owns the time of a page: Date, performance.now and timers, which a test turns forward.
// Called before any script of the page (`Page.addScriptToEvaluateOnNewDocument`).
// Never stops: between turns it goes on as the real clock does.
(() => {
  const RealDate = Date;
  const realNow = performance.now.bind(performance);
  const realTimeout = window.setTimeout.bind(window);
  const timers = new Map();
  let ahead = 0;
  let count = 0;

  const now = () => realNow() + ahead;
  const wall = () => performance.timeOrigin + now();

  class PageDate extends RealDate {
    constructor(...given) {
      if (given.length === 0) super(wall());
      else super(...given);
    }
    static now() {
      return Math.floor(wall());
    }
  }
  window.Date = PageDate;
  performance.now = now;

  const set = (callback, delay, given, again) => {
    const wait = Math.max(Number(delay) || 0, again ? 1 : 0);
    const id = (count += 1);
    timers.set(id, { due: now() + wait, wait: again ? wait : null, callback, given });
    realTimeout(runDue, wait);
    return id;
  };
  window.setTimeout = (callback, delay, ...given) => set(callback, delay, given, false);
  window.setInterval = (callback, delay, ...given) => set(callback, delay, given, true);
  window.clearTimeout = window.clearInterval = (id) => void timers.delete(id);

  const next = () => {
    let first = null;
    for (const [id, timer] of timers) if (!first || timer.due < first[1].due) first = [id, timer];
    return first;
  };

  const fire = (id, timer) => {
    if (timer.wait === null) {
      timers.delete(id);
    } else {
      timer.due = Math.max(timer.due + timer.wait, now());
      realTimeout(runDue, timer.due - now());
    }
    try {
      if (typeof timer.callback === "function") timer.callback(...timer.given);
    } catch (error) {
      reportError(error);
    }
  };

  function runDue() {
    for (let bound = 0; bound < 1000; bound += 1) {
      const first = next();
      if (!first) return;
      const left = first[1].due - now();
      // The browser's timers may be a fraction early.
      if (left > 0 && left < 1) realTimeout(runDue, 1);
      if (left > 0) return;
      fire(...first);
    }
  }

  // Timers fire in their order, each at its own time, with a breath for promises in between.
  Object.defineProperty(window, "__turnClock", {
    value: async (milliseconds) => {
      const goal = now() + milliseconds;
      for (let bound = 0; bound < 100000; bound += 1) {
        const first = next();
        if (!first || first[1].due > goal) break;
        ahead += Math.max(first[1].due - now(), 0);
        fire(...first);
        await null;
      }
      ahead += Math.max(goal - now(), 0);
      for (const [, timer] of timers) realTimeout(runDue, Math.max(timer.due - now(), 0));
    },
  });
})();
