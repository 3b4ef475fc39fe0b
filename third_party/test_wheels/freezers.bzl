"""PyInstaller and its imports, for tests/package/freezers. `packaging` is a wheel of pins.bzl."""

# File -> "package sha256", as in pins.bzl.
FREEZER_WHEELS = {
    "altgraph-0.17.5-py2.py3-none-any.whl": "altgraph f3a22400bce1b0c701683820ac4f3b159cd301acab067c51c653e06961600597",
    "pyinstaller-6.22.3-py3-none-manylinux2014_x86_64.whl": "pyinstaller 451a4ae14b719365bf1a2f0a99dae7b3463060061c3a394c70d5264cfb439528",
    "pyinstaller_hooks_contrib-2026.9-py3-none-any.whl": "pyinstaller-hooks-contrib fb3e67dd64122561724c48ad0366ac9e8c16e638b63bf7d85de03bf3fdbf06c3",
    "setuptools-84.2.1-py3-none-any.whl": "setuptools ca140b45d5325a9478f880e351484f62fef15f336462e449ca0c03c873d589c2",
}
