"""Finds, checks, loads and explains the native backends."""
