"""The Invoices page."""
