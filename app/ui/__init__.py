"""Charts, tables, cards, theme and other widgets of all pages."""
