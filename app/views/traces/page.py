"""Traces: what programs did, slowest and dearest, one as a waterfall, sessions, and files of traces."""

from functools import partial

import streamlit as st

from app import data
from app.auth.identity import current_user
from app.views.traces.address import SPAN, TRACE, render_way_back
from app.views.traces.trace_detail import render_missing, render_trace
from app.views.traces.trace_file import opened_file, render_file
from app.views.traces.trace_list import render_list

user = current_user()
zone = data.load_preferences(user).zone
asked = st.query_params.get(TRACE, "")
file = opened_file()

if file is not None:
    render_file(file, zone)
elif asked:
    render_way_back()
    with st.skeleton(height=480):
        waterfall = data.load_waterfall(user, asked)
    if waterfall is None:
        render_missing(asked, data.load_trace_days(user))
    else:
        chosen = st.query_params.get(SPAN, "")
        details = data.load_span_details(user, asked, chosen) if chosen else {}
        load_said = partial(data.load_content, user, asked)
        render_trace(waterfall, zone, data.load_currency(user), details, load_said)
else:
    render_list(user, zone)
