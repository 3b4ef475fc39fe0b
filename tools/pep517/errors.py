"""`BuildError`: what ends a build; pip and uv show its text as the last line."""


class BuildError(Exception):
    """One sentence that says what is wrong and what to type next."""
