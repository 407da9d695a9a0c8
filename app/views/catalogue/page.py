"""Catalogue: every model of the lists and of the workspace, searched, priced at its mix, and compared."""

import streamlit as st

from app import data
from app.auth.identity import current_user
from app.ui.notices import render_announcement
from app.ui.periods import today_in
from app.ui.titles import title_row
from app.views.catalogue.comparison import choose_models, render_models
from app.views.catalogue.filters import search_catalogue
from app.views.catalogue.own_models import render_own_models
from app.views.catalogue.shown import load_shown
from app.views.catalogue.table import render_found

user = current_user()
title_row("Catalogue")
render_announcement()
with st.skeleton(height=480):
    shown = load_shown(user, today_in(data.load_preferences(user).zone))
found = search_catalogue(shown)
selected = render_found(found, shown)
chosen = choose_models(found[:200], shown)
if not chosen and selected:
    chosen = [selected]
if chosen:
    render_models(chosen, shown)
render_own_models(user)
