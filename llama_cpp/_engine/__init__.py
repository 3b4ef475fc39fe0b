"""Runs a model: tokens, sampling, completions, embeddings. Knows nothing of chats."""
