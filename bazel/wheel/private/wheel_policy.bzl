"""Implementation of `wheel_policy`: the checker's facts about a project's wheels."""

_ATTRS = {
    "accelerator_libraries": attr.string_list_dict(
        default = {"cpu": []},
        doc = "Label of each accelerator -> libraries that its wheels may need beside the " +
              "system's, and must need one of: they come from the user's driver, toolkit or " +
              "packages.",
    ),
    "default_accelerator": attr.string(
        default = "cpu",
        doc = "The label of wheels that need no accelerator.",
    ),
    "own_library_prefix": attr.string(
        doc = "Beginning of the soname of a library whose file lacks it: of a plug-in, which is " +
              "opened by its path.",
    ),
    "plugin_entry_points": attr.string_list(
        doc = "Symbols that the library of a plug-in exports: the first, by which it is entered, " +
              "and no others than these.",
    ),
    "plugin_host": attr.string(
        doc = "Distribution that a plug-in requires in its own version.",
    ),
    "plugin_host_libraries": attr.string_list(
        doc = "Libraries of the host that a plug-in may need. They are loaded by then, so their " +
              "sonames are enough.",
    ),
    "taken_library_advice": attr.string(
        doc = "Reason and remedy, for the message about a library with such a name.",
    ),
    "taken_library_prefixes": attr.string_list(
        doc = "Beginnings of library names that other packages have too: a process loads one " +
              "library of a name.",
    ),
}

def _wheel_policy_impl(ctx):
    file = ctx.actions.declare_file(ctx.label.name + ".json")
    ctx.actions.write(file, json.encode({name: getattr(ctx.attr, name) for name in _ATTRS}))
    return [DefaultInfo(files = depset([file]), runfiles = ctx.runfiles([file]))]

wheel_policy = rule(
    implementation = _wheel_policy_impl,
    attrs = _ATTRS,
    doc = "Writes the policy of a project's wheels, which the checker compares them with.",
)
