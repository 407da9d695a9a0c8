"""Prices: models without one, the price list, custom prices, multipliers, and repricing of estimates."""

from app import data
from app.auth.identity import current_user
from app.ui.notices import render_announcement
from app.ui.periods import today_in
from app.ui.titles import title_row
from app.views.prices.mix_card import render_price_list
from app.views.prices.model_names import render_model_names
from app.views.prices.multiplier_list import render_multipliers
from app.views.prices.price_list import render_custom_prices, render_unpriced
from app.views.prices.repricing import render_repricing

user = current_user()
zone = data.load_preferences(user).zone
today = today_in(zone)

title_row("Prices")
render_announcement()
render_unpriced(user, zone, today)
render_price_list(user, today)
render_model_names(user)
render_repricing(user, today)
render_custom_prices(user, today)
render_multipliers(user, today)
