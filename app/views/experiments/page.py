"""Experiments: their list, one of them with its verdict, a new one, and rating its runs."""

import streamlit as st

from app import data
from app.auth.identity import current_user
from app.parts.permissions import explain_fixed
from app.views.experiments.address import EDIT, EXPERIMENT, NEW, PART, RATE
from app.views.experiments.detail import render_detail
from app.views.experiments.experiment_form import render_form
from app.views.experiments.experiment_list import render_list, render_missing
from app.views.experiments.rating import render_rating

user = current_user()
asked, part = st.query_params.get(EXPERIMENT), st.query_params.get(PART)
may_write = explain_fixed(user) is None

with st.skeleton(height=480):
    listed = data.load_experiments(user)
if asked == NEW and may_write:
    render_form(user)
elif asked is None or asked == NEW:
    render_list(user, listed)
elif not any(one.id == asked for one in listed):
    render_missing()
else:
    with st.skeleton(height=480):
        experiment, evaluation = data.load_experiment(user, asked)
    if part == EDIT and may_write and experiment.status in ("draft", "running"):
        render_form(user, experiment)
    elif part == RATE and may_write and experiment.primary_score:
        render_rating(user, experiment)
    else:
        render_detail(user, experiment, evaluation)
