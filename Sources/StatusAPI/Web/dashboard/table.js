// Owns a table of any length, of which only the rows in sight exist.
// Called by list.js, which knows what stands in a row.
// Never asks for data.

/** Rows beyond what is in sight, on both sides. */
const MARGIN = 5;

export class LongTable {
  count = 0;
  /** The row that the Tab key reaches. */
  current = 0;
  rows = new Map();
  spare = [];

  /** @param kind make() a row with a `link`, fill(row, index), and shown() afterwards */
  constructor(table, kind) {
    this.table = table;
    this.kind = kind;
    this.body = table.tBodies[0];
    this.body.append(this.above = gap(), this.below = gap());
    table.tabIndex = -1;
    table.addEventListener("keydown", event => this.key(event));
    table.addEventListener("focusin", ({ target }) => this.aim(target.closest("tr")?.index));
    window.onscroll = () => this.later();
    window.onresize = () => { this.height = 0; this.later(); };
  }

  /** So many rows from now on; `first` is the number of the first among `total`. */
  resize(count, first, total) {
    Object.assign(this, { count, first });
    // The heading is a row too.
    this.table.setAttribute("aria-rowcount", total + 1);
    this.current = Math.max(0, Math.min(this.current, count - 1));
    this.show();
  }

  later() {
    this.frame ||= requestAnimationFrame(() => this.show());
  }

  /** Writes the rows in sight, and no other. */
  show() {
    this.frame = 0;
    if (!this.table.checkVisibility()) return;
    this.height ||= parseFloat(getComputedStyle(this.table).getPropertyValue("--row"));
    const top = -this.body.getBoundingClientRect().top;
    const from = this.within(Math.floor(top / this.height) - MARGIN);
    const to = this.within(Math.ceil((top + innerHeight) / this.height) + MARGIN);
    this.takeAway(from, to);
    let next = this.above.nextSibling;
    for (let index = from; index < to; index++) {
      const row = this.rows.get(index) ?? this.place(index, next);
      next = row.nextSibling;
      this.kind.fill(row, index);
      row.link.tabIndex = index === this.current ? 0 : -1;
    }
    this.space(this.above, from);
    this.space(this.below, this.count - to);
    this.inSight = [from, to];
    this.kind.shown();
  }

  within(index) { return Math.max(0, Math.min(this.count, index)); }

  place(index, next) {
    const row = this.spare.pop() ?? this.kind.make();
    this.body.insertBefore(row, next);
    return this.name(row, index);
  }

  name(row, index) {
    row.index = index;
    row.className = "";
    row.setAttribute("aria-rowindex", this.first + index + 2);
    this.rows.set(index, row);
    return row;
  }

  takeAway(from, to) {
    const rows = [...this.rows.values()].sort((a, b) => a.index - b.index);
    const isOut = ({ index }) => index < from || index >= to;
    // After a jump each row stays where it is and becomes another's: that costs the least.
    const isJump = 2 * rows.filter(isOut).length > rows.length;
    const free = isJump ? rows : rows.filter(isOut);
    for (const row of free) this.rows.delete(row.index);
    free.forEach((row, place) => {
      // Whoever stood here goes on from here by the arrow keys.
      if (row.contains(document.activeElement)) this.table.focus({ preventScroll: true });
      if (isJump && from + place < to) return this.name(row, from + place);
      row.remove();
      this.spare.push(row);
    });
  }

  space(gap, rows) {
    gap.hidden = rows === 0;
    gap.firstChild.style.height = rows * this.height + "px";
  }

  aim(index) {
    if (index === undefined) return;
    for (const [place, row] of this.rows) row.link.tabIndex = place === index ? 0 : -1;
    this.current = index;
  }

  key(event) {
    const { current, count } = this;
    const to = { ArrowDown: current + 1, ArrowUp: current - 1, Home: 0, End: count - 1 }[event.key];
    if (to === undefined || !count || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    this.go(Math.max(0, Math.min(count - 1, to)));
  }

  /** Brings a row into sight and stands on it. */
  go(index) {
    const top = this.body.getBoundingClientRect().top + index * this.height;
    const least = 2 * this.height, most = innerHeight - least;
    if (top < least || top > most) scrollBy({ top: top - (top < least ? least : most), behavior: "instant" });
    this.aim(index);
    this.show();
    this.rows.get(index)?.link.focus({ preventScroll: true });
  }
}

function gap() {
  const row = document.createElement("tr"), cell = row.insertCell();
  row.ariaHidden = "true";
  cell.className = "gap";
  return row;
}
