#!/bin/sh
# Prepares a checkout of llama.cpp to be built in the place of the pinned sources.
# Usage: use_checkout.sh CHECKOUT
#
# Puts two files into it that Bazel needs, tells its git to ignore them, and prints the flag to
# build with. Nothing else in the checkout is touched; running it again is harmless. It names the
# patches of this project that the checkout lacks, with the command that applies them. See
# docs/hacking-on-llama.cpp.md.
set -eu

fail() {
    echo "use_checkout.sh: $*" >&2
    exit 1
}

[ $# -eq 1 ] || fail "usage: use_checkout.sh CHECKOUT, the root folder of a llama.cpp checkout"
checkout=$(CDPATH='' cd -- "$1" 2>/dev/null && pwd -P) || fail "$1 is no folder that can be entered"
for file in include/llama.h ggml/include/ggml.h common/common.h; do
    [ -f "$checkout/$file" ] ||
        fail "$checkout is no llama.cpp checkout: it has no $file;" \
            "name the folder that holds llama.cpp's CMakeLists.txt"
done
here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd -P)
project=$(CDPATH='' cd -- "$here/../.." && pwd -P)

if [ -e "$checkout/BUILD.bazel" ] && [ ! -h "$checkout/BUILD.bazel" ]; then
    fail "$checkout/BUILD.bazel is a file of its own; move it away first"
fi
# A link, so that a change of the overlay reaches the checkout.
ln -sfn "$here/llama_cpp.BUILD" "$checkout/BUILD.bazel"
# The mark of a repository's root.
[ -e "$checkout/REPO.bazel" ] || : >"$checkout/REPO.bazel"

# In a worktree or a submodule .git is a file; git knows where its list of ignored files is.
if [ -e "$checkout/.git" ] &&
    exclude=$(git -C "$checkout" rev-parse --git-path info/exclude 2>/dev/null); then
    case $exclude in /*) ;; *) exclude=$checkout/$exclude ;; esac
    mkdir -p "$(dirname -- "$exclude")"
    for file in /BUILD.bazel /REPO.bazel; do
        grep -qxF -- "$file" "$exclude" 2>/dev/null || echo "$file" >>"$exclude"
    done
fi

# A patch is in the checkout if it can be undone there.
missing=
for patch in "$here"/patches/*.patch; do
    [ -e "$patch" ] || continue
    (cd "$checkout" && git apply --reverse --check "$patch") 2>/dev/null ||
        missing="$missing '$patch'"
done
if [ -n "$missing" ]; then
    echo "use_checkout.sh: $checkout lacks patches that the pinned sources have; to apply them:" >&2
    echo "  (cd '$checkout' && git apply$missing)" >&2
fi

# --override_repository wants the canonical name, which depends on the version of Bazel, and ignores
# any other in silence.
mapping=$(cd "$project" &&
    ./bazelw mod dump_repo_mapping "" --noshow_progress --ui_event_filters=-info) ||
    fail "Bazel did not tell its repositories' names"
name=$(printf '%s' "$mapping" | sed -n 's/.*"llama_cpp":"\([^"]*\)".*/\1/p')
[ -n "$name" ] || fail "MODULE.bazel of $project declares no repository llama_cpp"
echo "--override_repository=$name=$checkout"
