// Ctrl-K or Cmd-K, and the button in the menu, open "Jump to…", whose code is fetched then.
const open = async () => (await import("./jump_dialog.js")).open();

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
document.addEventListener("click", ({ target }) => {
  if (target.closest?.("[data-jump]")) open();
});
