// Ctrl-K or Cmd-K, and the button in the menu, open "Jump to…", whose code is fetched then; links within the dashboard keep it loaded.
const open = async () => (await import("./jump_dialog.js")).open();

// Streamlit opens what the address names when the browser goes back or forward, without loading the dashboard again.
export const visit = (href) => {
  if (href === location.pathname + location.search) return;
  history.pushState({}, "", href);
  dispatchEvent(new PopStateEvent("popstate"));
};

// Gives the page the focus, from which Tab leads into it.
export const enterPage = () => {
  const main = document.querySelector('[data-testid="stMain"]');
  main?.setAttribute("tabindex", "-1");
  main?.focus();
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
