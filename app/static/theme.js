// Streamlit 1.67 keeps a browser's theme under this key, one for each page it was opened at, and reads it only when a page loads.
// In a block of its own: the page runs this again whenever the choice changes.
{
  const wanted = { light: "Light", dark: "Dark", system: "System" }[document.currentScript.src.split("?")[1]];
  const stored = (path) => `stActiveTheme-${path}-v2`;
  const pages = [
    "/",
    "/records",
    "/import",
    "/connections",
    "/sources",
    "/add-entry",
    "/subscriptions",
    "/prices",
    "/forecast",
    "/settings",
    window.location.pathname,
  ];
  const here = localStorage.getItem(stored(window.location.pathname)) ?? '"System"';

  if (wanted) {
    for (const path of pages) localStorage.setItem(stored(path), JSON.stringify(wanted));
    if (here !== JSON.stringify(wanted)) window.location.reload();
  }
}
