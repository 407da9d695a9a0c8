"""The field that asks for a provider."""

from collections.abc import Sequence

import streamlit as st

from app import data


def choose_provider(
    providers: Sequence[data.Provider], key: str | None = None, slug: str | None = None
) -> data.Provider | None:
    """Draw the field, with the provider of that slug chosen; None until one is."""
    slugs = [provider.slug for provider in providers]
    return st.selectbox(
        "Provider",
        providers,
        index=slugs.index(slug) if slug else None,
        format_func=lambda provider: provider.name,
        placeholder="Choose a provider",
        key=key,
    )
