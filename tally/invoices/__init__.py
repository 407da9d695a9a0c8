"""Invoices, receipts, prepaid credits and card statements."""
