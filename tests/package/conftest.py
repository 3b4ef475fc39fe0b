"""Fixtures of the behaviour suites."""

from wheel_fixtures import fresh, llm, load, model_path, random_models, run_python

__all__ = ["fresh", "llm", "load", "model_path", "random_models", "run_python"]
