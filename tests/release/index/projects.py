"""pyproject.toml files as docs/index.md has them, made whole; `url` is the address of the site."""

WITH_ONE_INDEX = """\
[project]
name = "app"
version = "1.0"
requires-python = ">=3.9"
dependencies = ["llama-cpp-python~={version}"]

[tool.uv.sources]
llama-cpp-python = [
  {{ index = "llama-{backend}" }},
]

[[tool.uv.index]]
name = "llama-{backend}"
url = "{url}/whl/{backend}"
explicit = true
"""

WITH_EXTRAS = """\
[project]
name = "app"
version = "1.0"
requires-python = ">=3.9"

[project.optional-dependencies]
cpu = ["llama-cpp-python"]
cu13 = ["llama-cpp-python"]

[tool.uv]
conflicts = [[{{ extra = "cpu" }}, {{ extra = "cu13" }}]]

[tool.uv.sources]
llama-cpp-python = [
  {{ index = "llama-cpu", extra = "cpu" }},
  {{ index = "llama-cu13", extra = "cu13" }},
]

[[tool.uv.index]]
name = "llama-cpu"
url = "{url}/whl/cpu"
explicit = true

[[tool.uv.index]]
name = "llama-cu13"
url = "{url}/whl/cu13"
explicit = true
"""
