#!/bin/sh
# Strips an executable: zig-strip.sh INPUT OUTPUT. Only `cc_binary(...).stripped` asks for it; links
# strip already.
set -eu
exec "$ZIG" objcopy --strip-all "$1" "$2"
