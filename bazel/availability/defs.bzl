"""Targets with optional prerequisites: `//...` skips them, a named one reports the reason."""

# Characters that Bazel allows in a target name, beside letters and digits.
_PUNCTUATION = " !%-@^_#$&'()*+,;<=>?[]{|}~/."

# buildifier: disable=unnamed-macro
def where_found(missing):
    """Returns `target_compatible_with` constraints for a target with an optional prerequisite.

    Call from BUILD files only. For an incompatible target that is asked for by name, Bazel prints
    the name of the constraint: the only text of ours that it shows there.

    Args:
      missing: message of `sentence_as_name` if the prerequisite was not found; else empty.

    Returns:
      A list of labels: none, or that of an unsatisfiable constraint.
    """
    if not missing:
        return []
    if not native.existing_rule("found"):
        native.constraint_setting(name = "found")
    if not native.existing_rule(missing):
        native.constraint_value(
            name = missing,
            constraint_setting = ":found",
        )
    return [":" + missing]

def sentence_as_name(text):
    """Replaces characters that a target name can't have.

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
