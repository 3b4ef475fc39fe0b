"""The exceptions of this package. The native module raises them too; nothing is imported here."""


class LlamaError(Exception):
    """Base class of every error that llama.cpp or its binding reports."""


class ModelLoadError(LlamaError, ValueError):
    """A model or adapter file cannot be loaded; the message names the file and the reason."""


class AdapterError(LlamaError, ValueError):
    """No LoRA adapter or control vector is known by this name, or it cannot be used like this."""


class AdapterLoadError(ModelLoadError, RuntimeError):
    """The adapter of ``Llama(lora_path=...)`` cannot be loaded; llama-cpp-python's RuntimeError."""


class ContextError(LlamaError, ValueError):
    """A context cannot be created like this, or a method of it got an unusable argument."""


class WeightLayoutError(ContextError):
    """The CPU backend keeps a weight in a layout of its own, and cannot compute with it."""


class ContextOverflowError(LlamaError, ValueError):
    """The tokens do not fit into the rest of the context."""


class DecodeError(LlamaError, RuntimeError):
    """llama.cpp failed while it evaluated tokens."""


class AbortedError(LlamaError, RuntimeError):
    """Evaluation was stopped by ``Context.abort()``."""


class GrammarError(LlamaError, ValueError):
    """A grammar or JSON schema is invalid, or a token does not fit the grammar."""


class ChatTemplateError(LlamaError, ValueError):
    """A chat template, its messages or the model's answer cannot be processed."""


class MediaError(LlamaError, ValueError):
    """An image or a sound cannot be loaded, or the model cannot read it."""


class TokenizeError(LlamaError, ValueError):
    """Text cannot be turned into tokens, or tokens into text."""


class StateError(LlamaError, ValueError):
    """A saved state is damaged or belongs to another model or context."""


class ClosedError(LlamaError, RuntimeError):
    """The object was closed."""


class BusyError(LlamaError, RuntimeError):
    """Another thread is using the object at this moment."""


class BackendError(LlamaError, RuntimeError):
    """A compute backend cannot be loaded or used.

    Attributes:
        reason: Of require_backend(): unknown, absent, version, library, driver or device; else "".
    """

    reason = ""


class RemoteServerError(BackendError):
    """An RPC server cannot be reached, or was lost while a model had layers on it."""


class OvertakenError(LlamaError, RuntimeError):
    """A stream was continued after a newer generation had started on the same ``Llama``."""
