// Owns our share of each frame: dots to draw and elements to give dots to, a few at a time.
// Called by whatever makes work; the browser calls back before it paints.
// Never holds the page up: thousands of rows take many frames, and their order.

const SLICE = 8; // milliseconds of a frame
const undrawn = new Set(); // dots
let isPlanned = false;

function plan() {
  if (isPlanned) return;
  isPlanned = true;
  (document.hidden ? setTimeout : requestAnimationFrame)(safely(work));
}

/** Once a frame. Dots that are there are drawn before others come. */
function work() {
  isPlanned = false;
  look();
  const began = performance.now();
  for (const dot of undrawn) {
    if (performance.now() > began + SLICE / (found.length ? 2 : 1)) break;
    undrawn.delete(dot);
    if (dots.has(dot)) dot.draw();
  }
  drain(began + SLICE);
  if (undrawn.size || found.length) plan();
}

function drawLater(dot) {
  undrawn.add(dot);
  plan();
}
