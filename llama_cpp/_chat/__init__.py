"""Answers chats: from messages to a prompt, and from generated text to a message."""
