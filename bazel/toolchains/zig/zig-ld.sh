#!/bin/sh
# Links with zig's ld.lld and the prebuilt C and C++ runtime of ZIG_RUNTIME (runtime.bzl).
#
# Calling lld directly needs no zig cache: a link through `zig c++` would build libc++ and the C
# library stubs again in every sandbox, about a minute each (zig's cache is bound to zig's absolute
# path). Arguments arrive in compiler-driver style, also through a parameter file (@FILE); `-Wl,a,b`
# becomes `a b`.
set -eu

expand() {
    for argument in "$@"; do
        case "$argument" in
            @*) cat "${argument#@}" ;;
            *) printf '%s\n' "$argument" ;;
        esac
    done
}

mode=-pie
arguments=$(mktemp ./zig-ld.XXXXXX)
trap 'rm -f "$arguments"' EXIT
expand "$@" | sed -e 's/^-Wl,//; t comma' -e b -e ':comma' -e 's/,/\n/g' >"$arguments"
if grep -qx -e '-shared' "$arguments"; then
    mode=-shared
fi
# Words for a driver, which a linker does not know.
sed -i -e '/^-pthread$/d' -e '/^-shared$/d' -e '/^-pie$/d' \
    -e '/^-rdynamic$/s/.*/--export-dynamic/' "$arguments"

if [ "$mode" = -pie ]; then
    printf '%s\n' --dynamic-linker "$ZIG_DYNAMIC_LINKER" "$ZIG_RUNTIME/Scrt1.o" >>"$arguments"
fi
# musl is one library, glibc is several.
libc='libc_nonshared.a libm.so libpthread.so libdl.so librt.so libutil.so libc.so libld.so'
case "$ZIG_DYNAMIC_LINKER" in
    */ld-musl-*) libc=libc.so ;;
esac
# Static members first, then the C library: lld keeps the order, and --as-needed drops unused
# libraries.
printf '%s\n' --as-needed -L"$ZIG_RUNTIME" >>"$arguments"
for library in libc++.a libc++abi.a libunwind.a libcompiler_rt.a $libc; do
    printf '%s\n' "$ZIG_RUNTIME/$library" >>"$arguments"
done

exec_link() {
    "$ZIG" ld.lld "$mode" --build-id=none --eh-frame-hdr --gc-sections -z now -z relro "@$arguments"
}
exec_link
