"""`vulkan_shaders`: ggml's Vulkan shaders as C++ files, an action each, and their header."""

def _declare_header(ctx):
    header = ctx.actions.declare_file(ctx.attr.folder + "/ggml-vulkan-shaders.hpp")
    arguments = ctx.actions.args()

    # Written for the shaders that the generator knows; it reads none, and the directory must be
    # there.
    arguments.add("--output-dir", header.dirname)
    arguments.add("--target-hpp", header)
    ctx.actions.run(
        arguments = [arguments],
        executable = ctx.executable.generator,
        mnemonic = "VulkanShadersHeader",
        outputs = [header],
    )
    return header

def _compile(ctx, shader):
    source = ctx.actions.declare_file("{}/{}.cpp".format(ctx.attr.folder, shader.basename))
    arguments = ctx.actions.args()
    arguments.add(ctx.executable.generator)
    arguments.add(ctx.file.glslc)
    arguments.add(shader)
    arguments.add("ggml-vulkan-shaders.hpp")
    arguments.add(source)
    ctx.actions.run(
        arguments = [arguments],
        executable = ctx.executable._embed_shaders,
        inputs = [shader, ctx.file.glslc] + ctx.files.includes + ctx.files.glslc_files,
        mnemonic = "VulkanShader",
        outputs = [source],
        progress_message = "Compiling shader %{input}",
        tools = [ctx.executable.generator],
    )
    return source

def _vulkan_shaders_impl(ctx):
    return [
        DefaultInfo(files = depset([_compile(ctx, shader) for shader in ctx.files.srcs])),
        OutputGroupInfo(header = depset([_declare_header(ctx)])),
    ]

vulkan_shaders = rule(
    implementation = _vulkan_shaders_impl,
    attrs = {
        "folder": attr.string(
            doc = "Directory of the files, below the package.",
            mandatory = True,
        ),
        "generator": attr.label(
            cfg = "exec",
            doc = "vulkan-shaders-gen.",
            executable = True,
            mandatory = True,
        ),
        "glslc": attr.label(
            allow_single_file = True,
            cfg = "exec",
            doc = "The compiler of shaders.",
            mandatory = True,
        ),
        "glslc_files": attr.label(
            cfg = "exec",
            doc = "Files that it needs to run.",
        ),
        "includes": attr.label_list(
            allow_files = [".glsl"],
            doc = "Headers that the shaders include.",
        ),
        "srcs": attr.label_list(
            allow_files = [".comp"],
            doc = "The shaders.",
            mandatory = True,
        ),
        "_embed_shaders": attr.label(
            cfg = "exec",
            default = "//third_party/llama.cpp:embed_shaders",
            executable = True,
        ),
    },
    doc = "C++ files, and the output group `header`.",
)
