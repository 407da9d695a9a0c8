// The dialog "Jump to…": pages are known from the start, names of models, projects, budgets and sessions are asked for at each opening.
import { enterPage, visit } from "./jump.js";
import { rank } from "./jump_match.js";

const LIST = "tally-jump-list";
const SHOWN = { Pages: 20, Models: 8, Projects: 8, Budgets: 8, Sessions: 8 };
const UNASKED = { Pages: 20, Models: 5, Projects: 5, Budgets: 5, Sessions: 5 };
const STYLE = `
.tally-jump{box-sizing:border-box;width:min(36rem,calc(100vw - 1.5rem));max-height:min(32rem,calc(100dvh - 3rem));
margin:min(12vh,6rem) auto auto;padding:0;border:1px solid var(--line);border-radius:12px;background:var(--surface);color:var(--ink);
font:400 15px/1.4 Inter,system-ui,sans-serif;box-shadow:0 16px 48px rgba(0,0,0,.28);overflow:hidden;flex-direction:column;
--surface:#FFFFFF;--ink:#14181F;--muted:#5B6472;--line:#D9DDE5;--chosen:#ECEBFA;--accent:#4F46E5}
.tally-jump.dark{--surface:#161B22;--ink:#E8ECF2;--muted:#9AA4B2;--line:#384150;--chosen:#2A2866;--accent:#8B85FF;color-scheme:dark}
.tally-jump[open]{display:flex}
.tally-jump::backdrop{background:rgba(10,12,16,.45)}
.tally-jump input{flex:none;box-sizing:border-box;width:100%;padding:.9rem 1rem;border:0;border-bottom:1px solid var(--line);
background:none;color:inherit;font:inherit;font-size:16px;outline:none}
.tally-jump input:focus-visible{box-shadow:inset 0 -2px var(--accent)}
.tally-jump input::placeholder{color:var(--muted);opacity:1}
.tally-jump [role=listbox]{flex:1;min-height:0;overflow-y:auto;padding:.35rem}
.tally-jump [role=group]>div{padding:.5rem .65rem .2rem;color:var(--muted);font-size:12.5px;font-weight:500}
.tally-jump a{display:flex;gap:.75rem;align-items:baseline;padding:.5rem .65rem;border-radius:8px;color:inherit;text-decoration:none}
.tally-jump a[aria-selected=true]{background:var(--chosen);box-shadow:inset 3px 0 var(--accent)}
.tally-jump a span{min-width:0;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;unicode-bidi:isolate}
.tally-jump a span+span{flex:none;max-width:45%;margin-left:auto;color:var(--muted);font-size:13px}
.tally-jump p{flex:none;margin:0;padding:.5rem 1rem;border-top:1px solid var(--line);color:var(--muted);font-size:13px}`;

let dialog;
let input;
let list;
let status;
const NOTHING = { models: [], projects: [], budgets: [], sessions: [] };
let names = NOTHING;
let namesOf = ""; // the workspace that they are of
let note = "";
let options = [];
let chosen = 0;

const make = (tag, attributes = {}, text = "") => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = text; // never as HTML: names may be anybody's
  return element;
};

const workspace = () => new URLSearchParams(location.search).get("workspace") ?? "";

const address = (path, parameters = {}) => {
  const query = new URLSearchParams(workspace() ? { workspace: workspace() } : {});
  for (const [name, value] of Object.entries(parameters)) query.set(name, value);
  return query.size ? `${path}?${query}` : path;
};

const when = (time) => {
  const at = new Date(time);
  return Number.isNaN(at.valueOf()) ? "" : at.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
};

const pages = () => JSON.parse(document.querySelector('meta[name="tally-pages"]').content);

const listPlaces = () => ({
  Pages: pages().map(([name, path, note]) => ({ name, note, href: address(path) })),
  Models: names.models.map((name) => ({ name, href: address("/explore", { where: `model:${name}` }) })),
  Projects: names.projects.map(({ id, name }) => ({
    name,
    href: address("/explore", { where: `project:${id}`, split: "model" }),
  })),
  Budgets: names.budgets.map(({ id, name }) => ({ name, href: address("/budgets", { budget: id }) })),
  Sessions: names.sessions.map(({ session, agent, repository, last_at }) => ({
    name: session,
    note: [repository ?? agent, when(last_at)].filter(Boolean).join(" · "),
    also: `${repository ?? ""} ${agent ?? ""}`,
    href: address("/agents", { session }),
  })),
});

const choose = (nth) => {
  chosen = options.length ? (nth + options.length) % options.length : 0;
  options.forEach((option, at) => option.setAttribute("aria-selected", String(at === chosen)));
  options[chosen]?.scrollIntoView({ block: "nearest" });
  if (options.length) input.setAttribute("aria-activedescendant", options[chosen].id);
  else input.removeAttribute("aria-activedescendant");
};

const addGroup = (title, places) => {
  const heading = make("div", { id: `${LIST}-${title}` }, title);
  const group = make("div", { role: "group", "aria-labelledby": heading.id });
  group.append(heading);
  for (const place of places) {
    const option = make("a", {
      role: "option",
      tabindex: "-1",
      href: place.href,
      id: `${LIST}-${options.length}`,
      title: place.name,
    });
    option.append(make("span", {}, place.name));
    if (place.note) option.append(make("span", {}, place.note));
    options.push(option);
    group.append(option);
  }
  list.append(group);
};

const show = () => {
  const asked = input.value.trim();
  list.replaceChildren();
  options = [];
  const most = asked ? SHOWN : UNASKED;
  const groups = Object.entries(listPlaces()).map(([title, places]) => {
    const found = rank(asked, places);
    return { title, best: found[0]?.score ?? 0, places: found.slice(0, most[title]).map(({ place }) => place) };
  });
  if (asked) groups.sort((one, other) => other.best - one.best); // a stable sort
  for (const { title, places } of groups) if (places.length) addGroup(title, places);
  const found = options.length;
  if (asked) addGroup("Records", [{ name: `Search records for “${asked}”`, href: address("/records", { search: asked }) }]);
  status.textContent = note || (asked ? `${found || "Nothing"} found` : "↑ ↓ to choose, Enter to open, Esc to close");
  choose(0);
};

const load = async () => {
  const asked = workspace();
  if (asked !== namesOf) names = NOTHING;
  note = names.models.length ? "" : "Loading names…";
  try {
    const answer = await fetch(`/jump?${new URLSearchParams({ workspace: asked })}`);
    const found = await answer.json();
    if (asked !== workspace()) return; // of a workspace that was left in the meantime
    if (answer.ok) [names, namesOf, note] = [found, asked, ""];
    else note = found.problem;
  } catch {
    if (asked !== workspace()) return;
    note = "Names could not be loaded. Check the connection and open this again.";
  }
  if (dialog.open) show();
};

const go = (href) => {
  dialog.close();
  visit(href);
  if (matchMedia("(max-width: 767.98px)").matches)
    document.querySelector('[data-testid="stMain"]')?.dispatchEvent(new MouseEvent("mousedown", { bubbles: true })); // closes the menu
  enterPage();
};

const press = (event) => {
  event.stopPropagation(); // letters are no commands of Streamlit here
  const steps = { ArrowDown: chosen + 1, ArrowUp: chosen - 1, PageDown: chosen + 8, PageUp: chosen - 8 };
  if (event.isComposing) return;
  if (event.key in steps) {
    const isFar = event.key.startsWith("Page");
    choose(isFar ? Math.min(Math.max(steps[event.key], 0), options.length - 1) : steps[event.key]);
  } else if (event.key === "Enter" && options[chosen]) {
    if (event.ctrlKey || event.metaKey) window.open(options[chosen].href, "_blank", "noopener");
    else go(options[chosen].getAttribute("href"));
  } else if (event.key === "Tab") {
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
    "aria-label": "Jump to a page, model, project, budget or session",
    "aria-expanded": "true",
    "aria-controls": LIST,
    "aria-autocomplete": "list",
    placeholder: "Page, model, project, budget or session",
    autocomplete: "off",
    autocapitalize: "off",
    spellcheck: "false",
    maxlength: "100",
  });
  list = make("div", { role: "listbox", id: LIST, "aria-label": "Places" });
  status = make("p", { role: "status" });
  dialog.append(input, list, status);
  document.body.append(dialog);
  input.addEventListener("input", show);
  dialog.addEventListener("keydown", press);
  dialog.addEventListener("click", (event) => {
    const option = event.target.closest("a");
    if (event.target === dialog) dialog.close(); // beside the dialog
    if (!option || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    go(option.getAttribute("href"));
  });
};

export const open = () => {
  if (!dialog) build();
  if (dialog.open) return;
  const app = document.querySelector('[data-testid="stApp"]');
  dialog.classList.toggle("dark", getComputedStyle(app ?? document.body).colorScheme.includes("dark"));
  input.value = "";
  dialog.showModal();
  input.focus();
  load();
  show();
};
