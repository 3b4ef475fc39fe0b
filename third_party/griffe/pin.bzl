"""griffe: reads the API of a Python package from its sources. For the generated reference."""

GRIFFE_ARCHIVE = dict(
    build_file = Label("//third_party/griffe:griffe.BUILD"),
    file = "griffelib-2.4.1-py3-none-any.whl",
    package = "griffelib",
    sha256 = "76bc562f936ad1ce198d2cf6d0731bd5c92a7d934b69ef828ef22ee0ffdb62ce",
)
