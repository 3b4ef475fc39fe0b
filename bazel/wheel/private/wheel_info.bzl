"""`WheelInfo` and `WheelComponentInfo`: a wheel's name and its contents."""

WheelInfo = provider(
    doc = "A wheel, and the parts of its file name.",
    fields = {
        "abi_tag": "ABI tag of PEP 425, such as `cp314t`.",
        "distribution": "Name of the distribution as pip knows it, such as `llama-cpp-python`.",
        "local_label": "Local version label (PEP 440) such as `cpu`; empty if there is none.",
        "platform_tag": "Platform tag, such as `manylinux_2_17_x86_64`.",
        "python_tag": "Python tag of PEP 425, such as `cp314`.",
        "version": "Public version, without the local label, such as `0.3.100`.",
        "wheel": "The wheel (File).",
    },
)

WheelComponentInfo = provider(
    doc = "A third-party work whose code is in a wheel; see `wheel_component`.",
    fields = {
        "archive": "File name of the pinned archive that it was taken from.",
        "component": "Name, such as `llama.cpp`.",
        "license_expression": "SPDX expression (PEP 639).",
        "license_files": "Path below the wheel's `licenses` directory -> File.",
        "package": "Project of the Python index that has the archive.",
        "purl": "Package URL of the component itself.",
        "sha256": "SHA-256 of the archive, in hexadecimal.",
        "version": "Version of the component.",
    },
)
