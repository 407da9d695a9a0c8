"""Which models need a price, and what do mine come to?"""

from app import data
from app.identity import current_user
from app.notices import render_announcement
from app.periods import today_in
from app.price_list import render_own_prices, render_unpriced
from app.price_preview import render_repricing
from app.titles import title_row

user = current_user()
zone = data.load_preferences(user).zone
today = today_in(zone)

title_row("Prices")
render_announcement()
render_unpriced(user, zone, today)
render_repricing(user, today)
render_own_prices(user, today)
