"""Many requests at once: one model with slots, for Python programs and for the server."""
