"""An extension of the package `jinja2`, for programs that render chat templates with it."""

from __future__ import annotations

from typing import Any

from jinja2.ext import Extension


class IgnoreGenerationTags(Extension):
    """Renders what stands between ``{% generation %}`` and ``{% endgeneration %}``.

    Hugging Face's templates mark the assistant's texts with them, for training.
    """

    tags = {"generation"}

    def parse(self, parser: Any) -> Any:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)
