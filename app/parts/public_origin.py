"""The address at which others reach this Tally."""

from urllib.parse import urlsplit

import streamlit as st

from app.auth.same_origin import app_origin


def browser_origin() -> str:
    """The origin of the page that the user sees."""
    page = urlsplit(st.context.url or "")
    return f"{page.scheme}://{page.netloc}" if page.netloc else ""


def public_origin() -> str:
    """APP_ORIGIN, or else the origin of the page that the user sees."""
    return app_origin() or browser_origin()
