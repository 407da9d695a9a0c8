"""The chosen theme applies to every page."""

import re
import tomllib
from pathlib import Path

import pytest

import app
from app.ui.pages import PAGES, PATHS
from app.ui.theme import DARK, LIGHT, STRINGS, Palette

FOLDER = Path(app.__file__).parent


def test_theme_script_knows_every_page() -> None:
    """Streamlit stores the theme per page address."""
    script = (FOLDER / "static" / "theme.js").read_text()

    assert len(PATHS) == len(PAGES)
    assert set(re.findall(r'"(/[a-z-]*)"', script)) == PATHS


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, as WCAG calculates it."""
    darker, lighter = sorted(luminance(colour) for colour in (one, other))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#FFFFFF") == contrast("#FFFFFF", "#000000") == 21
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.478, abs=0.001)


@pytest.mark.parametrize(("scheme", "palette"), [("light", LIGHT), ("dark", DARK)])
def test_every_colour_of_text_can_be_read_in_both_schemes(scheme: str, palette: Palette) -> None:
    """The browser looks at most pages in one of them."""
    settings = tomllib.loads((FOLDER / ".streamlit" / "config.toml").read_text())["theme"][scheme]
    sidebar, inks = (
        settings["sidebar"],
        [value for name, value in settings.items() if name.endswith("TextColor")],
    )
    inks += [settings["textColor"], palette.ink, palette.muted, palette.accent, STRINGS[palette]]
    inks += [palette.warn.ink, palette.bad.ink]
    grounds = [each[f"{kind}ackgroundColor"] for each in (settings, sidebar) for kind in ("b", "secondaryB")]
    pairs = {(ink, ground) for ink in inks for ground in (*grounds, palette.surface)}
    pairs.add((settings["blueTextColor"], settings["blueBackgroundColor"]))
    assert {pair: contrast(*pair) for pair in pairs if contrast(*pair) < 4.5} == {}
