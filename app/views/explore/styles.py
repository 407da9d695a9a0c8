"""Styles of the Explore page: chips and the legend."""

import streamlit as st

from app.ui.theme import current_palette

CHIPS = (
    "[class*=st-key-chip-] button{border-radius:999px;min-height:2rem;padding:2px 12px;background:%(soft)s;"
    "border-color:%(band)s;color:%(ink)s}"
    "[class*=st-key-chip-] button p{font-size:13.5px}"
    ".st-key-chip-all button{background:transparent}"
)
LEGEND = (
    "[class*=st-key-legend-] button::before,.st-key-legend-earlier::before{content:'';flex:none;width:11px;"
    "height:11px;border-radius:3px;margin-right:7px}"
    "[class*=st-key-legend-] button{min-height:1.6rem;padding:0}"
    "[class*=st-key-legend-] button:disabled{color:%(ink)s;opacity:1}"
    ".st-key-legend-earlier{flex-direction:row;align-items:center;gap:0}"
    "[class*=st-key-legend-] button p{font-size:13px;text-align:left}"
    ".st-key-explore_legend{gap:2px 18px}"
)


# On narrow pages the five charts fit beside each other without their icons.
NARROW = (
    "@media(max-width:900px){"
    ".st-key-explore_chart_kind button span:has(>[data-testid=stIconMaterial]){display:none}}"
    "@media(max-width:640px){"
    ".st-key-explore_chart_kind button{padding:0 7px}.st-key-explore_chart_kind button p{font-size:13px}}"
)
# All fields in one row where they fit, else in rows of three: one alone in a second row looks forgotten.
FIELDS = (
    ".st-key-explore_controls{container-type:inline-size}"
    "@container(min-width:560px) and (max-width:900px){"
    ".st-key-explore_controls [data-testid=stGrid]{grid-template-columns:repeat(3,1fr)}}"
)
PICTURES = ".modebar-container{display:none}.st-key-explore_total h2{padding-top:0}"


def apply_explore_styles() -> None:
    """Add them to the page."""
    palette = current_palette()
    colours = {"soft": palette.wide_band, "band": palette.band, "ink": palette.ink}
    st.html(
        f"<style>{(CHIPS + LEGEND) % colours}{NARROW}{FIELDS}{PICTURES}</style>"
        '<script src="/app/static/chart_picture.js"></script>',
        unsafe_allow_javascript=True,
    )
