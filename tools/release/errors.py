"""The one error of this directory."""


class PublishError(Exception):
    """Why nothing can be published; the message is one sentence with the way out."""
