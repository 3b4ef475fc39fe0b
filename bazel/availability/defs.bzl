"""Targets that need what a machine may not have: `bazel build //...` skips them, and one asked for by name says why."""

# Beside letters and digits, of what Bazel allows in the name of a target.
_PUNCTUATION = " !%-@^_#$&'()*+,;<=>?[]{|}~/."

# buildifier: disable=unnamed-macro
def where_found(missing):
    """Constraints for `target_compatible_with` of what needs something; only to be called while a BUILD file loads.

    For an incompatible target that is asked for by name, Bazel prints the name of the constraint: the only text of ours
    that it shows there.

    Args:
      missing: where it was not found, the sentence that says so, as `sentence_as_name` returns it; else empty.

    Returns:
      A list of labels: none, or that of an unsatisfiable constraint.
    """
    if not missing:
        return []
    if not native.existing_rule("found"):
        native.constraint_setting(name = "found")
        native.constraint_value(
            name = missing,
            constraint_setting = ":found",
        )
    return [":" + missing]

def sentence_as_name(text):
    """Replaces what the name of a target can't have.

    Args:
      text: a sentence.

    Returns:
      A name that reads like it.
    """
    words = [word for word in text.replace(":", " -").replace("\n", " ").split(" ") if word]
    letters = [
        letter if letter.isalnum() or letter in _PUNCTUATION else "'"
        for letter in " ".join(words).elems()
    ]
    return "".join(letters).replace("//", "/").replace("/./", "/").replace("/../", "/.. /")
