// Requests that PostgREST would answer and Tally refuses.

// Not among them: count=planned and count=estimated, which come from the planner's statistics. Those are of
// all workspaces, so that counts of other people's rows could be read in them.
const PREFERENCES = new Set([
  "count=exact",
  "handling=lenient",
  "handling=strict",
  "missing=default",
  "missing=null",
  "params=multiple-objects",
  "resolution=ignore-duplicates",
  "resolution=merge-duplicates",
  "return=headers-only",
  "return=minimal",
  "return=representation",
]);
// Parameters of a query that hold no filter, also of an embedded table.
const NO_FILTER = new Set(["select", "order", "limit", "offset", "columns", "on_conflict"]);
const LOGICAL = new Set(["and", "or"]);
// A regular expression with back-references can keep a connection busy for as long as it may run.
const REGEX_FILTER = /^\s*(?:not\s*\.\s*)?i?match\s*(?:\.|\()/i;
const REGEX_IN_TREE = /(?:^|[.,(\s])i?match\s*(?:\.|\(\s*(?:any|all)\b)/i;

// A sentence, or null if the request may pass.
export function reasonToRefuse({ headers, search }) {
  for (const preference of String(headers.prefer ?? "").split(",")) {
    const text = preference.trim().toLowerCase();
    if (text && !PREFERENCES.has(text)) {
      return `The preference "${text.slice(0, 40)}" is not offered. Use count=exact, or none.`;
    }
  }
  for (const [name, value] of new URLSearchParams(search)) {
    if (isRegexFilter(name, value)) {
      return "Filters by regular expression are not offered. Use eq, in, like or ilike.";
    }
  }
  return null;
}

function isRegexFilter(name, value) {
  const column = name.split(".").at(-1).trim();
  if (NO_FILTER.has(column)) return false;
  return (LOGICAL.has(column) ? REGEX_IN_TREE : REGEX_FILTER).test(value);
}
