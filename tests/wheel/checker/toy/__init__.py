"""The package of toy_wheel."""

from ._toy import answer

__all__ = ["answer", "main"]


def main() -> None:
    """The console script."""
    print(answer())
