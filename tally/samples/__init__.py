"""The whole sample: records and subscriptions, and prompts, experiments and invoices about them."""
