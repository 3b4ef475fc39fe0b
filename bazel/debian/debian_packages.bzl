"""`debian_packages`: a repository of pinned, unpacked and relocated packages of Debian."""

load("//bazel/debian/private:debian_packages_rule.bzl", _debian_packages = "debian_packages")

debian_packages = _debian_packages
