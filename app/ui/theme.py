"""Chart colours in light and dark, and the chosen theme."""

from dataclasses import dataclass

import streamlit as st

from app.ui.danger import DANGER
from app.ui.notices import FLOATING
from app.ui.pages import PAGES, Page

THEMES = ("light", "dark", "system")


@dataclass(frozen=True, slots=True)
class Tone:
    """The colours of a state: its text, and a filled part of a bar."""

    ink: str
    fill: str


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of a chart."""

    series: tuple[str, ...]
    other: str
    accent: str
    ink: str
    muted: str
    grid: str
    surface: str
    line: str  # borders
    track: str  # an empty part of a bar
    band: str  # a range
    wide_band: str  # a wider range
    ghost: str  # the period before
    warn: Tone
    bad: Tone


LIGHT = Palette(
    series=("#4F46E5", "#0EA5A4", "#D97706", "#E0457B", "#8B5CF6", "#0284C7"),
    other="#7C8798",
    accent="#4F46E5",
    ink="#14181F",
    muted="#5B6472",
    grid="#E9ECF1",
    surface="#FFFFFF",
    line="#E3E6EC",
    track="#ECEEF3",
    band="#C9C6F6",
    wide_band="#EEEDFC",
    ghost="#D5DAE4",
    warn=Tone("#8A4B08", "#FBD38D"),
    bad=Tone("#B42318", "#D92D20"),
)
DARK = Palette(
    series=("#8B85FF", "#2DD4BF", "#FBBF24", "#F472A8", "#C4A5FF", "#38BDF8"),
    other="#94A3B8",
    accent="#8B85FF",
    ink="#E8ECF2",
    muted="#9AA4B2",
    grid="#262C36",
    surface="#0E1116",
    line="#262C36",
    track="#20262F",
    band="#45418A",
    wide_band="#211F45",
    ghost="#343D4A",
    warn=Tone("#FBBF24", "#7A5A14"),
    bad=Tone("#FF8A80", "#F2645A"),
)

# Streamlit draws the circles of choices that are not chosen in the colour of fields, without a border.
CHOICES = (
    '[data-testid="stRadioOption"]:not([data-selected])>div>div:first-child,'
    '[data-testid="stCheckbox"] label:has(input:not([role="switch"],:checked))>span+div'
    "{box-shadow:inset 0 0 0 1.5px #7C8798}"
)
# White on the dark theme's primary colour has a contrast of 3.0; on this deeper tone, 5.1.
BUTTONS = (
    '[data-testid^="stBaseButton-primary"]:not(:disabled){background:#6259EA;border-color:#6259EA}'
    '[data-testid^="stBaseButton-primary"]:not(:disabled):hover{background:#5249D6;border-color:#5249D6}'
)
# Narrow pages show lists in place of tables.
LINE_LISTS = (
    "[data-testid=stLayoutWrapper]:has(>[class*=st-key-narrow-]){display:none}"
    "@media(max-width:900px){"
    "[data-testid=stLayoutWrapper]:has(>[class*=st-key-narrow-]){display:flex}"
    "[data-testid=stLayoutWrapper]:has(>[class*=st-key-wide-]){display:none}}"
)
# Streamlit shows scrollbars under a mouse only: without one, nothing says that a table goes on.
SCROLLBARS = "@media(max-width:900px){.dvn-scroller{scrollbar-color:#7C8798 transparent!important}}"
ENTRY = '[data-testid=stSidebarNav] a[href$="/{}"]'
# Streamlit cuts the note of a metric where it does not fit, and centres buttons of several lines.
LONG_TEXTS = (
    "[data-testid=stMetricDelta] p{white-space:normal;overflow:visible}"
    "[data-testid=stMetricDelta]{height:auto}"
    "[data-testid=stBaseButton-tertiary] p{text-align:left}"
)
# Beside the menu of a tablet, columns are as narrow as on a phone, and three of four cards fit a row.
TABLETS = (
    "@media(min-width:641px) and (max-width:900px){"
    "[data-testid=stColumn]{min-width:calc(100% - 1.5rem)}"
    "[data-testid=stGrid]:has(>:nth-child(4):last-child [data-testid=stMetric])"
    "{grid-template-columns:1fr 1fr}}"
)


# Some of Streamlit's own colours of code miss a contrast of 4.5 in the light theme.
STRINGS = {LIGHT: "#0B7A4B", DARK: "#4ADE9A"}


def current_palette() -> Palette:
    """The palette of the browser's current theme."""
    return DARK if st.context.theme.type == "dark" else LIGHT


def apply_styles() -> None:
    """Add every page's own styles, as one element: each costs time in every run."""
    buttons = BUTTONS if st.context.theme.type == "dark" else ""
    st.html(
        f"<style>{CHOICES}{LINE_LISTS}{SCROLLBARS}{LONG_TEXTS}{TABLETS}{buttons}{DANGER}{FLOATING}</style>"
    )


def mark_entry(page: Page) -> None:
    """Mark the menu's entry of a page that has none of its own, as Streamlit does for others."""
    if page.part_of:
        address = next(each.address for each in PAGES if each.name == page.part_of)
        st.html(f"<style>{ENTRY.format(address)}{{background:rgba(124,135,152,.22);font-weight:600}}</style>")


def number_entry(name: str, number: int, what: str = "at risk", is_calm: bool = False) -> None:
    """Show a number beside the menu's entry of a page, of things that `what` names; nothing for 0."""
    entry = ENTRY.format(next(page.address for page in PAGES if page.name == name))
    palette = current_palette()
    tone = Tone(palette.accent, palette.band) if is_calm else palette.warn
    # The second text is for screen readers; browsers that do not know it take the number alone.
    told = f'"{number}";content:"{number}" / ", {number} {what}"'
    style = (
        f"margin-left:auto;padding:0 .45rem;border-radius:.4rem;font-size:.75rem;font-weight:600;"
        f"background:color-mix(in srgb,{tone.fill} 40%,transparent);color:{tone.ink}"
    )
    rule = f"content:{told};{style}" if number else "content:none"
    st.html(f"<style>{entry}::after{{{rule}}}</style>")


def apply_code_styles() -> None:
    """Colour the code on a page."""
    palette = current_palette()
    colours = {
        "": palette.ink,
        ":is(.property,.keyword,.atrule,.key,.builtin)": palette.accent,
        ":is(.string,.number,.boolean)": STRINGS[palette],
        ":is(.comment,.punctuation)": palette.muted,
    }
    rules = (
        f"[data-testid=stCode] .token{kind}{{color:{colour}!important}}" for kind, colour in colours.items()
    )
    st.html(f"<style>{''.join(rules)}</style>")


def add_scripts(theme: str) -> None:
    """Switch the browser to the chosen theme, and let it close its menu on narrow pages.

    Streamlit has no API for it: a script sets what Streamlit reads on page load, and reloads the page.
    """
    if theme in THEMES:
        scripts = (f"theme.js?{theme}", "menu.js")
        tags = "".join(f'<script src="/app/static/{script}"></script>' for script in scripts)
        st.html(tags, unsafe_allow_javascript=True)
