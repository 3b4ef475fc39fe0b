"""One module per concern of a wheel; check_wheel.py runs them all."""
