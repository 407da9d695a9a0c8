"""The field "Jump to…" in the menu; `app/static/jump.js` opens its dialog, from anywhere with Ctrl-K."""

# Streamlit draws the navigation above everything else in the sidebar: the field stands over it.
FIELD = (
    '<button type="button" class="tally-jump-field" data-jump aria-haspopup="dialog" '
    'aria-keyshortcuts="Control+K Meta+K">'
    '<i aria-hidden="true">search</i><span>Jump to…</span><kbd>Ctrl K</kbd></button>'
)
STYLE = (
    ".tally-jump-field{position:absolute;top:4.1rem;left:1.25rem;right:1.25rem;display:flex;"
    "gap:.5rem;align-items:center;padding:.42rem .5rem .42rem .7rem;border-radius:8px;cursor:pointer;"
    "border:1px solid color-mix(in srgb,currentColor 22%,transparent);background:none;color:inherit;"
    "font:400 .9rem Inter,system-ui,sans-serif}"
    "[data-testid=stElementContainer]:has(>*>.tally-jump-field){position:static}"
    "@media(max-width:767.98px),(pointer:coarse){.tally-jump-field kbd{display:none}}"
    ".tally-jump-field:hover{background:color-mix(in srgb,currentColor 7%,transparent)}"
    ".tally-jump-field:focus-visible{outline:2px solid currentColor;outline-offset:2px}"
    # As wide as the icon, also while its font is on the way.
    ".tally-jump-field i{flex:none;width:1.15rem;overflow:hidden;"
    'font:400 1.15rem/1 "Material Symbols Rounded";font-feature-settings:"liga"}'
    ".tally-jump-field kbd{margin-left:auto;padding:.05rem .3rem;border-radius:5px;opacity:.8;"
    "border:1px solid color-mix(in srgb,currentColor 22%,transparent);font:inherit;font-size:.75rem}"
    "[data-testid=stSidebarContent] [data-testid=stSidebarNav]{margin-top:3rem}"
    "[data-testid=stSidebarContent]:has(.st-key-switcher-place) .tally-jump-field{top:7.5rem}"
    "[data-testid=stSidebarContent]:has(.st-key-switcher-place) [data-testid=stSidebarNav]{margin-top:6.4rem}"
)
