"""Which archive is chosen out of apt sources; each text is one that users have."""

from __future__ import annotations

import debian


def test_one_line_format() -> None:
    archives = debian.parse_one_line(
        "# deb http://commented.invalid/debian trixie main\n"
        "deb-src http://source.invalid/debian trixie main\n"
        "deb http://security.invalid/debian-security trixie-security main\n"
        "deb http://rolling.invalid/nodistro nodistro main\n"
        "deb\t[ arch=amd64 signed-by=/a.gpg,/b.gpg ]  http://mirror.invalid/debian/ "
        "bookworm main contrib # a comment\n"
    )
    expected = debian.Archive("http://mirror.invalid/debian/", (("Signed-By", "/a.gpg /b.gpg"),))
    assert archives == [expected]


def test_deb822_format() -> None:
    archives = debian.parse_deb822(
        "# A comment.\n"
        "Types: deb deb-src\n"
        "URIs: http://one.invalid/debian http://two.invalid/debian\n"
        "# Another one.\n"
        "Suites: sid\n"
        "Components: main\n"
        "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n key\n"
        "\n"
        "Enabled: no\nTypes: deb\nURIs: http://off.invalid/\nSuites: sid\nComponents: main\n"
        " \n"
        "types: deb\nuris: http://low.invalid/\nsuites: sid\ncomponents: main\ntrusted: yes\n"
    )
    key = (("Signed-By", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n key"),)
    expected = [
        debian.Archive("http://one.invalid/debian", key),
        debian.Archive("http://two.invalid/debian", key),
        debian.Archive("http://low.invalid/", (("Trusted", "yes"),)),
    ]
    assert archives == expected


def test_debian_s_archive_comes_before_a_vendor_s() -> None:
    keyring = (("Signed-By", "/usr/share/keyrings/debian-archive-keyring.gpg"),)
    vendor = debian.Archive("http://vendor.invalid", (("Signed-By", "/vendor.gpg"),))
    for ours in (
        debian.Archive("http://mirror.invalid/debian/"),
        debian.Archive("http://mirror.invalid/apt", keyring),
    ):
        assert max([vendor, ours], key=debian.Archive.rank) == ours
        assert max([ours, vendor], key=debian.Archive.rank) == ours
