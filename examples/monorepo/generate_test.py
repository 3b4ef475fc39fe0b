"""Tests that the model writes a text, and the same twice."""

from __future__ import annotations

import os
import unittest

from generate import generate

import llama_cpp


class GenerateTest(unittest.TestCase):
    def test_text(self) -> None:
        text = generate(os.environ["MODEL"], "In the beginning")
        print(f"llama_cpp {llama_cpp.__version__} says {text!r}")
        self.assertTrue(text.strip())
        self.assertEqual(text, generate(os.environ["MODEL"], "In the beginning"))


if __name__ == "__main__":
    unittest.main()
