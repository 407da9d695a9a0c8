"""The part of the Budgets page that the address names: `?budget=<id>`, or a new budget."""

import streamlit as st

BUDGET, NEW = "budget", "new"


def read_choice() -> str | None:
    """The id of a budget, `new`, or None for the list."""
    return st.query_params.get(BUDGET)


def open_part(choice: str | None) -> None:
    """Show a budget, the form of a new one, or the list."""
    if choice is None:
        st.query_params.pop(BUDGET, None)
    else:
        st.query_params[BUDGET] = choice


def render_way_back() -> None:
    """The button that leads back to the list."""
    st.button(
        "Budgets",
        icon=":material/chevron_left:",
        type="tertiary",
        on_click=open_part,
        args=(None,),
        key="back_to_budgets",
    )
