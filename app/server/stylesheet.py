"""Streamlit's style sheet with fonts of what pages show: text is in Inter, and icons are some hundred.

Its own fonts of both take 550 KB of a first visit. Browsers that accept no compression get them still.
"""

import re
from functools import cache
from hashlib import sha256
from pathlib import Path

from streamlit.file_util import get_static_dir

STATIC = Path(get_static_dir()) / "static"
ICON_FONT = Path(__file__).resolve().parent.parent / "static" / "icons.woff2"
FACE = re.compile(r"@font-face\{[^}]*\}")
TEXT_FONT, ICONS = "font-family:Source Sans;", "font-family:Material Symbols Rounded;"
SOURCE = re.compile(r"src:url\([^)]*\)")
STYLESHEET = re.compile(r'href="\./(static/css/index\.[^"]+\.css)"')
FONT_PRELOAD = re.compile(r'<link\s+rel="preload"\s+href="[^"]+\.woff2"[^>]*>')


def read_style(file: Path) -> bytes:
    """A file's content, with other fonts where it is the page's style sheet."""
    return FACE.sub(_change_face, file.read_text(encoding="utf-8")).encode()


def with_own_fonts(page: str) -> str:
    """The page without its preloaded font; the address of its style sheet changes with the icons.

    Browsers keep the style sheet for a year.
    """
    return STYLESHEET.sub(rf'href="./\1?{_icons_version()}"', FONT_PRELOAD.sub("", page))


def _change_face(found: re.Match[str]) -> str:
    face = found[0]
    if TEXT_FONT in face:
        return ""
    return SOURCE.sub(f"src:url(/app/static/icons.woff2?{_icons_version()})", face) if ICONS in face else face


@cache
def _icons_version() -> str:
    return sha256(ICON_FONT.read_bytes()).hexdigest()[:16]
