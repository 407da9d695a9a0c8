"""Charts, cards, theme and other widgets that know no page."""
