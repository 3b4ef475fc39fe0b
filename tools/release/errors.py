"""The one error of this folder."""


class PublishError(Exception):
    """Why nothing can be published; the message is one sentence with the way out."""
