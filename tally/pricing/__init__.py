"""List prices, custom prices, estimates and repricing."""
