"""`debian_packages`: pinned packages of Debian, unpacked and made to run from where they are, as a
Bazel repository.
"""

load("//bazel/debian/private:debian_packages_rule.bzl", _debian_packages = "debian_packages")

debian_packages = _debian_packages
