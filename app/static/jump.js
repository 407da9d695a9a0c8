// Ctrl-K or Cmd-K, and the button in the menu, open "Jump to…", whose code is fetched then; links within the dashboard keep it loaded.
const open = async () => (await import("./jump_dialog.js")).open();

// Streamlit opens what the address names when the browser goes back or forward, without loading the dashboard again.
export const visit = (href) => {
  if (href === location.pathname + location.search) return;
  history.pushState({}, "", href);
  dispatchEvent(new PopStateEvent("popstate"));
};

// Streamlit opens a page with parameters in two steps: it adds them to the address of the page that is left, then the page itself.
// The second takes the place of the first, so that Back leads to what was there before.
const TOGETHER = 2000; // ms
const push = history.pushState;
let step = { search: null, at: 0 };
history.pushState = (state, unused, url) => {
  const to = new URL(url ?? "", location.href);
  const isSecond = to.search === step.search && to.search === location.search && performance.now() - step.at < TOGETHER;
  const isSamePage = to.pathname === location.pathname;
  step = isSamePage && to.search !== location.search ? { search: to.search, at: performance.now() } : { search: null, at: 0 };
  if (isSecond && !isSamePage) history.replaceState(state, unused, url);
  else push.call(history, state, unused, url);
};

// Gives the page the focus, from which Tab leads into it.
export const enterPage = () => {
  const main = document.querySelector('[data-testid="stMain"]');
  main?.setAttribute("tabindex", "-1");
  main?.focus();
  if (matchMedia("(max-width: 900px)").matches) main?.scrollTo({ top: 0 }); // what a choice has changed is above the list of choices
};

document.addEventListener("keydown", (event) => {
  const isAsked = (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey;
  if (!isAsked || event.key.toLowerCase() !== "k") return;
  event.preventDefault(); // browsers search the web with it
  open();
});
document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-jump]")) open();
  const link = event.target.closest?.("a.tally-go");
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  visit(link.getAttribute("href"));
  enterPage();
});
