// Owns the list of long tasks of a page, as its browser reports them.
// Called before any script of the page (`Page.addScriptToEvaluateOnNewDocument`).
// Never judges them.
(() => {
  const seen = [];
  const note = (entry) => seen.push({ start: entry.startTime, duration: entry.duration });
  const watch = new PerformanceObserver((list) => list.getEntries().forEach(note));
  watch.observe({ type: "longtask", buffered: true });
  Object.defineProperty(window, "__longTasks", {
    value: () => {
      watch.takeRecords().forEach(note);
      return seen.slice();
    },
  });
})();
