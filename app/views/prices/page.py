"""Prices: models without a price, custom prices, and repricing of estimates."""

from app import data
from app.auth.identity import current_user
from app.ui.notices import render_announcement
from app.ui.periods import today_in
from app.ui.titles import title_row
from app.views.prices.price_list import render_custom_prices, render_unpriced
from app.views.prices.repricing import render_repricing

user = current_user()
zone = data.load_preferences(user).zone
today = today_in(zone)

title_row("Prices")
render_announcement()
render_unpriced(user, zone, today)
render_repricing(user, today)
render_custom_prices(user, today)
