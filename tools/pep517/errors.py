"""`BuildError` ends a build; pip and uv show its text as the last line."""


class BuildError(Exception):
    """An error of one sentence: the cause and the command to type next."""
