"""Loads the images and sounds of chats, also those that strangers name."""
