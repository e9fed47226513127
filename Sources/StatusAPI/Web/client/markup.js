// Owns dots in markup that cannot change: which elements stand for whom, and where a dot goes.
// Called at the start, and for whatever comes into the document later.
// Never changes anything but by adding a dot, and takes it away with its element.

const ATTRIBUTE = "data-presence-user";
const CONTROLS = "a,button,label,summary,select,input,textarea";
const LEAVES = "img,br,hr,video,audio,canvas,svg,iframe,object,embed,meter,progress,picture";
const WITHOUT = "table,thead,tbody,tfoot,colgroup,ul,ol,dl,menu,option,optgroup,html,head,body";
/** `[name="…{id}…"]`, in single or double quotes. */
const PART = /\[\s*([\w-]+)\s*([$^]?=)\s*(["'])((?:(?!\3).)*)\{id\}((?:(?!\3).)*)\3\s*[is]?\s*\]/;
const NO_HOME = `presence-dot,${CONTROLS},${LEAVES},${WITHOUT}`;
const EDITED = "[contenteditable]:not([contenteditable=false i])";
const COPY = "presence-dot[placed]";
const placed = new Map(); // element → its dot
const found = []; // [element, rule], to be given dots
let rules = []; // { selector, id(element) }

/** Those of `data-presence-dots` of our tag, a line each, and the attribute that is ours. */
function readRules() {
  rules = [{ selector: `[${ATTRIBUTE}]`, id: (element) => element.getAttribute(ATTRIBUTE) }];
  for (const line of (options.presenceDots || "").split("\n")) {
    const rule = line.trim() && readRule(line.trim());
    if (rule) rules.push(rule);
  }
  find(document);
  if (found.length) plan();
}

/** `tr[data-user='{id}'] td`: what to look for, and how to get the id out of what was found. */
function readRule(selector) {
  const [whole, attribute, sign, , before, after] = PART.exec(selector) || [];
  const plain = whole ? selector.replace(whole, `[${attribute}]`) : "{id}";
  try {
    document.querySelector(plain);
  } catch {
    return say(`the selector ${selector} cannot be read; it finds nobody.`);
  }
  const literal = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const pattern = new RegExp((sign === "$=" ? "" : "^") + literal(before) + "([^/?#\\s]+)"
    + literal(after) + (sign === "^=" ? "" : "$"));
  const isAddress = /^(href|src|action)$/.test(attribute);
  return { selector: plain, id(element) {
    const value = element.closest(`[${attribute}]`)?.getAttribute(attribute) ?? "";
    const id = pattern.exec(value)?.[1];
    try {
      return isAddress && id ? decodeURIComponent(id) : id;
    } catch {
      return null;
    }
  } };
}

function find(root) {
  for (const rule of rules) {
    if (root.matches?.(rule.selector)) found.push([root, rule]);
    for (const element of root.querySelectorAll(rule.selector)) found.push([element, rule]);
  }
}

/** Until then, by the page's own clock of performance. */
function drain(end) {
  while (found.length && performance.now() < end) {
    // First look, then write: a look at a style after each change would cost a layout each.
    const some = found.splice(0, 20).filter(([element]) => element.isConnected);
    const homes = some.map(([element]) => home(element));
    some.forEach(([element, rule], at) => place(element, rule.id(element), homes[at]));
  }
}

/** What the dot goes before, for there is never a control within a control. */
const outside = (element) =>
  element.closest(CONTROLS) || (element.matches(LEAVES) ? element : null);

/** What the dot goes into. In a box of columns it would be a column. */
function home(element) {
  let inside = element.localName === "tr" ? element.cells[0] : element;
  for (let next = inside; next; ) {
    inside = next;
    const isBox = inside.firstElementChild && /flex|grid/.test(getComputedStyle(inside).display);
    next = isBox && [...inside.children].find((child) => !child.matches(NO_HOME));
  }
  return inside;
}

function place(element, id, named) {
  const old = placed.get(element);
  if (!id || element.localName === "presence-dot") return;
  if (old?.isConnected) return old.getAttribute("user") === id || old.setAttribute("user", id);
  // Text that is being edited stays the page's own; a page that takes dots out has its way.
  if (element.matches(WITHOUT) || element.closest(EDITED) || old?.lost > 9) return;
  if (!named) return;
  const outer = outside(element);
  const there = outer ? outer.previousElementSibling : named.firstElementChild;
  // In a row that was copied stands a copy of its dot.
  const dot = old || (there?.matches(COPY) ? there : document.createElement("presence-dot"));
  const text = (named.textContent || element.alt || "").trim().replace(/\s+/g, " ");
  if (text && text.length <= 80) dot.setAttribute("name", text);
  dot.setAttribute("user", id);
  dot.setAttribute("placed", "");
  placed.set(element, dot);
  if (dot === there) return;
  if (outer) outer.before(dot);
  else named.prepend(dot);
}

let changed = new Set(); // elements that came, and null where some went

function mutated(records) {
  for (const record of records) {
    if (record.type === "attributes") {
      if (!record.target.hasAttribute(ATTRIBUTE)) vacate(record.target);
      changed.add(record.target);
    }
    for (const node of record.addedNodes) if (node.nodeType === 1) changed.add(node);
    if (record.removedNodes.length) changed.add(null);
  }
  if (changed.size) plan();
}

/** Once a frame, whatever has changed in it. */
function look() {
  const nodes = changed;
  changed = new Set();
  if (nodes.delete(null)) sweep();
  for (const node of nodes) if (node.isConnected && !dots.has(node)) find(node);
}

/** Lets go of what has left the page, and puts back a dot that was wiped out with other text. */
function sweep() {
  for (const [element, dot] of [...placed]) {
    const outer = outside(element);
    if (!element.isConnected) {
      vacate(element);
    } else if (outer ? dot.nextElementSibling !== outer : !element.contains(dot)) {
      dot.remove();
      dot.lost = (dot.lost || 0) + 1;
      find(element);
    }
  }
}

function vacate(element) {
  placed.get(element)?.remove();
  placed.delete(element);
}
