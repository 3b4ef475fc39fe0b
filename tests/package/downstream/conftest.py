"""Fixtures of the downstream packages' tests."""

from wheel_fixtures import fresh, llm, load, model_path, random_models

__all__ = ["fresh", "llm", "load", "model_path", "random_models"]
