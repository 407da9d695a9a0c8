"""The page of keys with which programs send costs or read them."""
