// Sorts the tables of app/ui/html_table.py, and opens the link of a row at a click anywhere on it.
const sorting = new Map(); // of each table: the column and its direction, also when the page is drawn again
const TABLE = ".tally-table table[data-table]";

const rankOf = (row, nth) => (nth < 0 ? undefined : row.cells[nth].dataset.at);

const sort = (table) => {
  const { column, direction } = sorting.get(table.dataset.table) ?? {};
  const heads = [...table.tHead.rows[0].cells];
  const nth = column === undefined ? -1 : heads.findIndex((head) => head.dataset.column === column);
  heads.forEach((head, at) => {
    if (head.hasAttribute("aria-sort")) head.setAttribute("aria-sort", at === nth ? direction : "none");
  });
  const sense = direction === "descending" ? -1 : 1;
  const compare = (one, other) => {
    const [first, second] = [rankOf(one, nth), rankOf(other, nth)];
    const isKnown = Number(second !== undefined) - Number(first !== undefined); // empty cells are last in both directions
    const byRank = first !== undefined && second !== undefined ? sense * (first - second) : 0;
    return isKnown || byRank || one.dataset.nth - other.dataset.nth;
  };
  table.tBodies[0].append(...[...table.tBodies[0].rows].sort(compare));
};

const change = (head) => {
  const table = head.closest("table");
  const [first, second] = head.classList.contains("right") ? ["descending", "ascending"] : ["ascending", "descending"];
  const next = { none: first, [first]: second, [second]: null }[head.getAttribute("aria-sort")];
  if (next) sorting.set(table.dataset.table, { column: head.dataset.column, direction: next });
  else sorting.delete(table.dataset.table);
  sort(table);
};

// The list of the same rows is there for narrow pages, hidden or not: its choice is the one that counts.
const choose = (row) => {
  const place = row.closest('[class*="st-key-wide-"]');
  const name = [...place.classList].find((each) => each.startsWith("st-key-wide-"));
  const list = document.querySelector(`.${CSS.escape(name.replace("wide", "narrow"))}`);
  list?.querySelectorAll("input[type=radio]")[row.dataset.nth]?.click();
};

const open = (event, row) => {
  const link = row.querySelector("td > a.tally-go");
  if (event.target.closest("a") || !getSelection().isCollapsed) return;
  if (row.querySelector("td > button")) choose(row);
  if (!link) return;
  const { ctrlKey, metaKey, shiftKey } = event;
  link.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, ctrlKey, metaKey, shiftKey }));
};

document.addEventListener("click", (event) => {
  const part = event.target.closest?.(".tally-table :is(th[aria-sort] button, tbody tr)");
  if (!part) return;
  if (part.localName === "tr") open(event, part);
  else change(part.closest("th"));
});

// The keyboard stays on the row whose choice has drawn the table again.
let focused = {};
document.addEventListener("focusin", ({ target }) => {
  const table = target.closest(TABLE);
  focused = table ? { table: table.dataset.table, nth: target.closest("tr").dataset.nth } : {};
});
const focusAgain = (table) => {
  if (focused.nth === undefined || focused.table !== table.dataset.table || document.activeElement !== document.body) return;
  table.querySelector(`tr[data-nth="${focused.nth}"] > td > :is(a, button)`)?.focus();
};

// A table that the page draws again keeps its order: it is sorted before the browser paints it.
// A live collection costs nothing where there is no table: charts change the page hundreds of times.
const tables = document.getElementsByClassName("tally-table");
new MutationObserver(() => {
  for (const { firstElementChild: table } of tables) {
    if (!table || "isSorted" in table.dataset) continue;
    table.dataset.isSorted = "";
    if (sorting.has(table.dataset.table)) sort(table);
    focusAgain(table);
  }
}).observe(document, { childList: true, subtree: true });
