// Streamlit closes its menu after a choice only in browsers that call themselves mobile, and starts with a menu that was open before.
{
  const storageKey = "stSidebarCollapsed-";
  const isNarrow = () => window.matchMedia("(max-width: 767.98px)").matches;
  // Streamlit closes an open menu when the page beside it is pressed.
  const close = () =>
    document.querySelector('[data-testid="stMain"]')?.dispatchEvent(new MouseEvent("mousedown", { bubbles: true }));
  const settle = (isChoice) => {
    if (!isNarrow()) {
      window.isWideMenuClosed = localStorage.getItem(storageKey) === "true";
      return;
    }
    if (isChoice) close();
    // A narrow page always starts with the menu closed, and leaves that of a wide one as it was.
    if (window.isWideMenuClosed) localStorage.setItem(storageKey, "true");
    else localStorage.removeItem(storageKey);
  };
  // Streamlit calls its buttons a sidebar's; what they show is a menu.
  const NAMES = { stExpandSidebarButton: "Menu", stSidebarCollapseButton: "Close menu" };
  const nameButtons = () => {
    for (const [id, name] of Object.entries(NAMES)) {
      const found = document.querySelector(`[data-testid="${id}"]`);
      (found?.closest("button") ?? found?.querySelector("button"))?.setAttribute("aria-label", name);
    }
  };
  if (window.isWideMenuClosed === undefined) {
    const header = document.querySelector('[data-testid="stHeader"]');
    if (header) new MutationObserver(nameButtons).observe(header, { childList: true, subtree: true });
    window.isWideMenuClosed = localStorage.getItem(storageKey) === "true";
    const listen = ({ target }) => {
      const isChoice = target.closest?.('[data-testid="stSidebarNavLink"]') != null;
      setTimeout(() => settle(isChoice)); // after Streamlit's own answer
    };
    document.addEventListener("click", listen, true);
    settle(true);
    nameButtons();
  }
}
