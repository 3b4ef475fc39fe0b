"""The table of accelerators, for Python tests."""

TABLE = "//platforms:accelerators.bzl"
TABLE_ENVIRONMENT = {"ACCELERATOR_TABLE": "$(rootpath {})".format(TABLE)}
TABLE_READER = "//tests/accelerators/harness:accelerator_table.py"
