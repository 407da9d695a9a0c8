"""One or several processes of a server: their settings, the probes of balancers, and their end."""
