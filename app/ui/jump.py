"""The field "Jump to…" in the menu; `app/static/jump.js` opens its dialog, from anywhere with Ctrl-K."""

# Streamlit draws the navigation above everything else in the sidebar: the field stands over it.
FIELD = (
    '<button type="button" class="tally-jump-field" data-jump aria-haspopup="dialog" '
    'aria-keyshortcuts="Control+K Meta+K"><span>Jump to…</span><kbd>Ctrl K</kbd></button>'
)
STYLE = (
    ".tally-jump-field{position:absolute;top:4.1rem;left:1.25rem;right:1.25rem;display:flex;"
    "justify-content:space-between;align-items:center;padding:.42rem .7rem;border-radius:8px;cursor:pointer;"
    "border:1px solid color-mix(in srgb,currentColor 22%,transparent);background:none;color:inherit;"
    "font:400 .9rem Inter,system-ui,sans-serif}"
    "[data-testid=stElementContainer]:has(>*>.tally-jump-field){position:static}"
    "@media(max-width:767.98px),(pointer:coarse){.tally-jump-field kbd{display:none}}"
    ".tally-jump-field:hover{background:color-mix(in srgb,currentColor 7%,transparent)}"
    ".tally-jump-field:focus-visible{outline:2px solid currentColor;outline-offset:2px}"
    ".tally-jump-field kbd{font:inherit;font-size:.78rem;opacity:.8}"
    "[data-testid=stSidebarContent] [data-testid=stSidebarNav]{margin-top:3rem}"
    "[data-testid=stSidebarContent]:has(.st-key-switcher-place) .tally-jump-field{top:7.5rem}"
    "[data-testid=stSidebarContent]:has(.st-key-switcher-place) [data-testid=stSidebarNav]{margin-top:6.4rem}"
)
