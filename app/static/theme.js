// Streamlit 1.67 stores a browser's theme under one key per page address and reads it only when a page loads.
// The block keeps the names local: the dashboard runs this script again whenever the choice changes.
{
  const choice = document.currentScript.src.split("?")[1];
  const theme = { light: "Light", dark: "Dark", system: "System" }[choice];
  const storageKey = (path) => `stActiveTheme-${path}-v2`;
  const paths = [
    "/",
    "/explore",
    "/agents",
    "/traces",
    "/models",
    "/catalogue",
    "/prompts",
    "/records",
    "/import",
    "/connections",
    "/sources",
    "/keys",
    "/add-entry",
    "/subscriptions",
    "/prices",
    "/invoices",
    "/experiments",
    "/forecast",
    "/budgets",
    "/advice",
    "/replay",
    "/settings",
    window.location.pathname,
  ];
  const current = localStorage.getItem(storageKey(window.location.pathname)) ?? '"System"';

  // Charts keep the colours of the run that drew them: when the system changes its own, Streamlit's key R draws them again.
  // Soon after a click on the menu it would ask for the page that is being left.
  const press = (kind) =>
    document.dispatchEvent(new KeyboardEvent(kind, { key: "r", code: "KeyR", keyCode: 82, bubbles: true }));
  const repaint = () => {
    const state = document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState;
    const isIdle = state === "notRunning" && performance.now() - window.clickedAt > 2000;
    if (isIdle) ["keydown", "keyup"].forEach(press); // a key that stays down is pressed once
    else setTimeout(repaint, 500);
  };
  if (window.clickedAt === undefined) {
    window.clickedAt = Number.NEGATIVE_INFINITY;
    document.addEventListener("click", () => (window.clickedAt = performance.now()), true);
  }
  window.systemColours ??= window.matchMedia("(prefers-color-scheme: dark)");
  window.systemColours.onchange = theme === "System" ? () => setTimeout(repaint, 500) : null;

  if (theme) {
    for (const path of paths) localStorage.setItem(storageKey(path), JSON.stringify(theme));
    if (current !== JSON.stringify(theme)) window.location.reload();
  }
}
