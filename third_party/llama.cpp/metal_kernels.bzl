"""`metal_kernels`: ggml's Metal kernels as assembly files that embed their text; an action each."""

def _metal_kernels_impl(ctx):
    sources = []
    for kernel in ctx.files.srcs:
        kind = kernel.basename.removesuffix(".metal")
        source = ctx.actions.declare_file("{}/{}.s".format(ctx.attr.folder, kind))
        arguments = ctx.actions.args()
        arguments.add(kind)

        # ggml/src: the kernels are in ggml-metal/kernels below it.
        arguments.add(kernel.dirname.removesuffix("/ggml-metal/kernels"))
        arguments.add(source)
        ctx.actions.run(
            arguments = [arguments],
            executable = ctx.executable._embed_metal,
            inputs = [kernel] + ctx.files.includes,
            mnemonic = "MetalKernel",
            outputs = [source],
            progress_message = "Embedding Metal kernel " + kind,
        )
        sources.append(source)
    return [DefaultInfo(files = depset(sources))]

metal_kernels = rule(
    implementation = _metal_kernels_impl,
    attrs = {
        "folder": attr.string(
            doc = "Directory of the files, below the package.",
            mandatory = True,
        ),
        "includes": attr.label_list(
            allow_files = True,
            doc = "Headers that the kernels include.",
        ),
        "srcs": attr.label_list(
            allow_files = [".metal"],
            doc = "The kernels.",
            mandatory = True,
        ),
        "_embed_metal": attr.label(
            cfg = "exec",
            default = "//third_party/llama.cpp:embed_metal",
            executable = True,
        ),
    },
    doc = "Assembly files, one for each kernel.",
)
