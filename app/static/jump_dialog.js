// The dialog "Jump to…": pages, settings and what was opened before are known here; everything else is searched as one types.
import { enterPage, visit } from "./jump.js";
import { readRecent, remember } from "./jump_recent.js";
import { STYLE } from "./jump_style.js";
import { rank } from "./jump_match.js";

const LIST = "tally-jump-list";
const PAUSE = 120; // ms without a key before it is searched
const SHOWN = 5; // of a kind; the server sends one more where there are more
const SHOWN_OF_PAGES = 30;
const SHOWN_ALONE = 50; // of the only kind that is searched
const KINDS = {
  recent: { title: "Recent", icon: "schedule" },
  page: { title: "Pages", icon: "search" },
  model: { title: "Models", icon: "speed" },
  provider: { title: "Providers", icon: "storage" },
  project: { title: "Projects", icon: "folder" },
  budget: { title: "Budgets", icon: "savings" },
  session: { title: "Sessions", icon: "terminal" },
  trace: { title: "Traces", icon: "account_tree" },
  prompt: { title: "Prompts", icon: "article" },
  experiment: { title: "Experiments", icon: "science" },
  record: { title: "Records", icon: "receipt_long" },
  invoice: { title: "Invoices", icon: "receipt" },
  source: { title: "Sources", icon: "balance" },
  setting: { title: "Settings", icon: "settings" },
  audit: { title: "Audit log", icon: "history" },
};
const UNASKED = ["recent", "page", "model", "project", "budget", "session"]; // without a text

let dialog;
let input;
let list;
let status;
let filter; // the button that shows which kind alone is searched
let kind = "";
let answer = { hits: [], settings: [], user: "" }; // of the workspace in `answerOf`
let answerOf = "";
let foundFor = ""; // what its hits were asked for
let search = { timer: 0, stop: new AbortController() };
let problem = "";
let options = [];
let chosen = 0;

const make = (tag, attributes = {}, text = "") => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = text; // never as HTML: names may be anybody's
  return element;
};

const workspace = () => new URLSearchParams(location.search).get("workspace") ?? "";

const address = ({ path, parameters = {} }) => {
  const query = new URLSearchParams(workspace() ? { workspace: workspace() } : {});
  for (const [name, value] of Object.entries(parameters)) query.set(name, value);
  return query.size ? `${path}?${query}` : path;
};

const when = (time) => {
  const at = new Date(time ?? NaN);
  if (Number.isNaN(at.valueOf())) return "";
  const isThisYear = at.getFullYear() === new Date().getFullYear();
  return at.toLocaleDateString("en-GB", { day: "numeric", month: "short", ...(isThisYear ? {} : { year: "numeric" }) });
};

const asked = () => input.value.trim();
const question = () => JSON.stringify([workspace(), asked(), kind]);

const listPages = () =>
  JSON.parse(document.querySelector('meta[name="tally-pages"]').content).map(([name, path, note, icon]) => ({
    kind: "page",
    name,
    note,
    icon,
    path,
  }));

const listSettings = () =>
  answer.settings.map(([name, section, words]) => ({
    kind: "setting",
    name,
    note: section,
    also: words,
    path: "/settings",
    parameters: { section },
  }));

// Places by kind, the best first. Until an answer comes, what was found before is ranked again.
const findPlaces = () => {
  const text = asked();
  const groups = new Map();
  const add = (place, score) => {
    if (!groups.has(place.kind)) groups.set(place.kind, { kind: place.kind, best: score, places: [] });
    groups.get(place.kind).places.push(place);
  };
  if (!kind) {
    if (!text) for (const place of readRecent(answer.user, workspace())) add({ ...place, of: place.kind, kind: "recent" }, 0);
    for (const local of [listPages(), text ? listSettings() : []])
      for (const { place, score } of rank(text, local)) add(place, score);
  }
  const isCurrent = foundFor === question();
  const hits = answer.hits.filter((hit) => !kind || hit.kind === kind);
  const rankAgain = () => rank(text, hits.map((hit) => ({ ...hit, also: hit.note })));
  const ranked = isCurrent ? hits.map((place) => ({ place, score: place.score })) : rankAgain();
  for (const { place, score } of ranked) if (text || kind || UNASKED.includes(place.kind)) add(place, score);
  const order = Object.keys(KINDS);
  return [...groups.values()].sort((one, other) => other.best - one.best || order.indexOf(one.kind) - order.indexOf(other.kind));
};

const choose = (nth) => {
  chosen = options.length ? (nth + options.length) % options.length : 0;
  options.forEach((option, at) => option.element.setAttribute("aria-selected", String(at === chosen)));
  options[chosen]?.element.scrollIntoView({ block: "nearest" });
  if (options.length) input.setAttribute("aria-activedescendant", options[chosen].element.id);
  else input.removeAttribute("aria-activedescendant");
};

const addOption = (group, place, icon, act) => {
  const attributes = { role: "option", id: `${LIST}-${options.length}`, title: place.name, tabindex: "-1" };
  const element = make("a", place.path ? { ...attributes, href: address(place) } : attributes);
  element.append(make("i", { "aria-hidden": "true" }, icon), make("span", {}, place.name));
  const note = [place.note, when(place.at)].filter(Boolean).join(" · ");
  if (note) element.append(make("span", {}, note));
  options.push({ element, place, act });
  group.append(element);
};

const addGroup = (key, places, most) => {
  const { title, icon } = KINDS[key];
  const heading = make("div", { id: `${LIST}-${key}` }, title);
  const group = make("div", { role: "group", "aria-labelledby": heading.id });
  group.append(heading);
  for (const place of places.slice(0, most)) addOption(group, place, place.icon ?? KINDS[place.of ?? key].icon);
  if (places.length > most && !kind && key !== "page")
    addOption(group, { name: `More ${title.toLowerCase()}` }, "more_horiz", () => narrow(key));
  list.append(group);
};

const describeState = (found) => {
  if (problem) return problem;
  if (foundFor !== question()) return "Searching…";
  if (!asked()) return kind ? `${found || "Nothing"} found` : "↑ ↓ to choose, Enter to open, Esc to close";
  return `${found || "Nothing"} found`;
};

const show = () => {
  const text = asked();
  const before = options[chosen]?.element.getAttribute("href");
  list.replaceChildren();
  options = [];
  let hasMore = false;
  for (const { kind: key, places } of findPlaces()) {
    const most = kind ? SHOWN_ALONE : key === "page" && !text ? SHOWN_OF_PAGES : SHOWN;
    addGroup(key, places, most);
    hasMore = hasMore || (kind !== "" && places.length > most);
  }
  const found = options.filter(({ act }) => !act).length;
  if (text && (!kind || kind === "record")) {
    const group = make("div", { role: "group", "aria-label": "All records" });
    addOption(group, { name: `Search records for “${text}”`, path: "/records", parameters: { search: text } }, "search");
    list.append(group);
  }
  filter.hidden = !kind;
  filter.firstChild.textContent = kind ? KINDS[kind].title : "";
  filter.setAttribute("aria-label", kind ? `Only ${KINDS[kind].title.toLowerCase()}. Search everything` : "");
  const state = describeState(hasMore ? `More than ${found}` : found);
  if (status.textContent !== state) status.textContent = state;
  const same = options.findIndex(({ element }) => before && element.getAttribute("href") === before);
  choose(wasMoved && same > 0 ? same : 0);
};
let wasMoved = false; // by arrows since the last letter: an answer that comes keeps what was chosen

const ask = async () => {
  search.stop.abort(); // a late answer to another text is dropped
  search = { ...search, stop: new AbortController() };
  const [of, text, only] = JSON.parse(question());
  const asking = question();
  try {
    const parameters = new URLSearchParams({ workspace: of, q: text, kind: only });
    const response = await fetch(`/jump?${parameters}`, { signal: search.stop.signal });
    const found = await response.json();
    if (asking !== question()) return;
    if (response.ok) [answer, answerOf, foundFor, problem] = [found, of, asking, ""];
    else problem = found.problem;
  } catch (failure) {
    if (failure.name === "AbortError" || asking !== question()) return;
    problem = "The search did not answer. Check the connection and type again.";
  }
  if (dialog.open) show();
};

const askSoon = (pause) => {
  problem = "";
  wasMoved = false;
  if (answerOf !== workspace()) answer = { hits: [], settings: [], user: "" };
  clearTimeout(search.timer);
  search.timer = setTimeout(ask, pause);
  show();
};

const narrow = (key) => {
  kind = key;
  askSoon(0);
  input.focus();
};

const go = ({ place, act, element }) => {
  if (act) {
    act();
    return;
  }
  const { icon, name, note, path, parameters } = place;
  const kept = { kind: place.of ?? place.kind ?? "record", icon, name, note, path, parameters };
  if (place.kind !== "page") remember(answer.user, workspace(), kept);
  dialog.close();
  visit(element.getAttribute("href"));
  if (matchMedia("(max-width: 767.98px)").matches)
    document.querySelector('[data-testid="stMain"]')?.dispatchEvent(new MouseEvent("mousedown", { bubbles: true })); // closes the menu
  enterPage();
};

const press = (event) => {
  event.stopPropagation(); // letters are no commands of Streamlit here
  const steps = { ArrowDown: chosen + 1, ArrowUp: chosen - 1, PageDown: chosen + 8, PageUp: chosen - 8 };
  if (event.isComposing) return;
  const isAtStart = !input.selectionStart && !input.selectionEnd;
  if (event.key in steps) {
    const isFar = event.key.startsWith("Page");
    wasMoved = true;
    choose(isFar ? Math.min(Math.max(steps[event.key], 0), options.length - 1) : steps[event.key]);
  } else if (event.key === "Enter" && options[chosen] && event.target !== filter) {
    const { element, act } = options[chosen];
    if ((event.ctrlKey || event.metaKey) && !act) window.open(element.href, "_blank", "noopener");
    else go(options[chosen]);
  } else if (kind && (event.key === "Escape" || (event.key === "Backspace" && isAtStart))) narrow("");
  else if (event.key === "Tab") {
    wasMoved = true;
    choose(chosen + (event.shiftKey ? -1 : 1));
  } else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    dialog.close();
  } else return;
  event.preventDefault();
};

const build = () => {
  document.head.append(make("style", {}, STYLE));
  dialog = make("dialog", { class: "tally-jump", "aria-label": "Jump to" });
  input = make("input", {
    type: "text",
    role: "combobox",
    "aria-label": "Jump to a page, or search models, sessions, traces, records and more",
    "aria-expanded": "true",
    "aria-controls": LIST,
    "aria-autocomplete": "list",
    placeholder: "Search pages, models, sessions, records…",
    autocomplete: "off",
    autocapitalize: "off",
    spellcheck: "false",
    maxlength: "200",
  });
  filter = make("button", { type: "button", class: "tally-jump-kind", hidden: "" });
  filter.append(make("span"), make("i", { "aria-hidden": "true" }, "close"));
  list = make("div", { role: "listbox", id: LIST, "aria-label": "Results" });
  status = make("p", { role: "status" });
  const field = make("div", { class: "tally-jump-input" });
  field.append(filter, input);
  dialog.append(field, list, status);
  document.body.append(dialog);
  input.addEventListener("input", () => askSoon(PAUSE));
  filter.addEventListener("click", () => narrow(""));
  dialog.addEventListener("keydown", press);
  dialog.addEventListener("click", (event) => {
    const option = options.find(({ element }) => element.contains(event.target));
    if (event.target === dialog) dialog.close(); // beside the dialog
    if (!option || (!option.act && (event.ctrlKey || event.metaKey || event.shiftKey))) return;
    event.preventDefault();
    go(option);
  });
};

export const open = () => {
  if (!dialog) build();
  if (dialog.open) return;
  const app = document.querySelector('[data-testid="stApp"]');
  dialog.classList.toggle("dark", getComputedStyle(app ?? document.body).colorScheme.includes("dark"));
  input.value = "";
  kind = "";
  foundFor = "";
  dialog.showModal();
  input.focus();
  askSoon(0);
};
