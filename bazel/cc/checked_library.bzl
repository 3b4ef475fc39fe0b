"""Shared parts of rules for a library whose GPU architectures a validation action reads back."""

CHECKED_LIBRARY_ATTRS = {
    "library": attr.label(
        allow_single_file = [".so"],
        doc = "The shared library.",
        mandatory = True,
    ),
}

def check_architectures(ctx, archs, mnemonic, tools = []):
    """Implements a rule that has CHECKED_LIBRARY_ATTRS and a program `_checker`.

    Args:
      ctx: its context.
      archs: architectures that the library must have, no more and no less.
      mnemonic: of the action.
      tools: programs that the checker calls; its first arguments. After them come library, report
        and architectures.

    Returns:
      The providers of the rule: the library as it is.
    """
    report = ctx.actions.declare_file(ctx.label.name + ".architectures")
    arguments = ctx.actions.args()
    arguments.add_all(tools + [ctx.file.library, report])
    arguments.add_all(archs)
    ctx.actions.run(
        arguments = [arguments],
        executable = ctx.executable._checker,
        inputs = [ctx.file.library],
        mnemonic = mnemonic,
        outputs = [report],
        progress_message = "Checking the GPU architectures of " + ctx.file.library.basename,
        tools = tools,
    )
    return [
        DefaultInfo(files = depset([ctx.file.library])),
        # Bazel runs this for everything that is built of the library.
        OutputGroupInfo(_validation = depset([report])),
    ]
