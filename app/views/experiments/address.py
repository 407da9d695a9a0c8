"""The parts of the Experiments page that the address names: `?experiment=<id>&part=edit`, or a new one."""

import streamlit as st

from app.ui.titles import way_back

EXPERIMENT, PART, NEW = "experiment", "part", "new"
EDIT, RATE = "edit", "rate"


def open_part(experiment: str | None, part: str | None = None) -> None:
    """Show an experiment, a part of it, the form of a new one, or the list."""
    for name, value in ((EXPERIMENT, experiment), (PART, part)):
        if value is None:
            st.query_params.pop(name, None)
        else:
            st.query_params[name] = value


def render_way_back(label: str = "All experiments", experiment: str | None = None) -> None:
    """The button that leads back to the list, or from a part to its experiment."""
    way_back(label, "back_to_experiments", open_part, experiment)
