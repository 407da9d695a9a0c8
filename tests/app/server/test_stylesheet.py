"""Pages load the icons that they show, and no font that they do not use."""

import re

import httpx

from app.server.dashboard_page import dashboard_page
from app.server.stylesheet import ICON_FONT
from app.ui.pages import PAGES
from docs.icon_font import list_icons, read_icons


def read_styles(client: httpx.Client) -> str:
    """The style sheet that the page links to."""
    [address] = re.findall(r'<link rel="stylesheet"[^>]* href="\.([^"]+)"', dashboard_page())
    answer = client.get(address, headers={"accept-encoding": "br"})
    assert answer.headers["content-encoding"] == "br"
    return answer.text


def test_font_has_every_icon_that_code_names() -> None:
    assert list_icons() <= read_icons(ICON_FONT), "Run `python -m docs.icon_font`."


def test_icons_of_the_menu_and_of_streamlits_elements_are_found_in_code() -> None:
    assert {page.icon for page in PAGES} | {"keyboard_double_arrow_left", "content_copy"} <= list_icons()


def test_styles_have_one_font_of_icons_which_is_the_small_one(signed_in: httpx.Client) -> None:
    styles = read_styles(signed_in)
    [face] = [face for face in re.findall(r"@font-face\{[^}]*\}", styles) if "Material Symbols" in face]
    [address] = re.findall(r"url\(([^)]*)\)", face)
    assert signed_in.get(address).content == ICON_FONT.read_bytes()
    assert "MaterialSymbols" not in styles


def test_styles_keep_the_fonts_of_code_and_formulas_and_have_none_of_streamlits_text(
    signed_in: httpx.Client,
) -> None:
    faces = re.findall(r"@font-face\{[^}]*\}", read_styles(signed_in))
    families = {found for face in faces for found in re.findall(r"font-family:([^;]*)", face)}
    assert {"Source Code Pro", "KaTeX_Main"} <= families
    assert "Source Sans" not in families


def test_page_preloads_no_font_of_streamlits() -> None:
    assert not re.search(r"<link[^>]*woff2", dashboard_page())
