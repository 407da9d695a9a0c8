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
  if (window.isWideMenuClosed === undefined) {
    window.isWideMenuClosed = localStorage.getItem(storageKey) === "true";
    const listen = ({ target }) => {
      const isChoice = target.closest?.('[data-testid="stSidebarNavLink"]') != null;
      setTimeout(() => settle(isChoice)); // after Streamlit's own answer
    };
    document.addEventListener("click", listen, true);
    settle(true);
  }
}
