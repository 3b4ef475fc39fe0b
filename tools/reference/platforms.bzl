"""The platforms and constraint values of //platforms, as rows for the reference."""

load("//platforms:accelerators.bzl", "ACCELERATORS", "DEFAULT_ACCELERATOR")
load("//platforms:declare.bzl", "system_platform")
load("//platforms:glibc.bzl", "DEFAULT_GLIBC_FLOOR", "GLIBC_FLOORS", "glibc_value")
load("//platforms:libc.bzl", "DEFAULT_LIBC", "LIBCS", "MUSL_FLOOR", "libc_value")
load(
    "//platforms:macos.bzl",
    "MACOS_ACCELERATORS",
    "MACOS_CPUS",
    "MACOS_DEPLOYMENT_TARGET",
)
load(
    "//platforms:platforms.bzl",
    "LINUX_ACCELERATORS",
    "LINUX_CPUS",
    "linux_platform",
    "musl_platform",
)
load("//platforms:windows.bzl", "WINDOWS_ACCELERATORS", "WINDOWS_CPUS")

def _version(system, version):
    return "{} {}.{}".format(system, version[0], version[1])

def _code(name):
    return "`//platforms:{}`".format(name)

def platform_rows():
    """The platforms and the constraints.

    Returns:
        `platforms` and `constraints`: rows of the reference's two tables.
    """
    linux = [
        [
            "//platforms:" + linux_platform("linux", cpu, floor, accelerator),
            "Linux",
            cpu,
            _version("glibc", floor),
            accelerator,
        ]
        for cpu in LINUX_CPUS
        for floor in GLIBC_FLOORS
        for accelerator in LINUX_ACCELERATORS
    ]
    musl = [
        [
            "//platforms:" + musl_platform("linux", cpu),
            "Linux",
            cpu,
            _version("musl", MUSL_FLOOR),
            DEFAULT_ACCELERATOR,
        ]
        for cpu in LINUX_CPUS
    ]
    macos = [
        [
            "//platforms:" + system_platform("macos", cpu, accelerator),
            "macOS",
            cpu,
            _version("macOS", MACOS_DEPLOYMENT_TARGET),
            accelerator,
        ]
        for cpu in MACOS_CPUS
        for accelerator in MACOS_ACCELERATORS[cpu]
    ]
    windows = [
        [
            "//platforms:" + system_platform("windows", cpu, accelerator),
            "Windows",
            cpu,
            # Of zig's headers.
            "Windows 10",
            accelerator,
        ]
        for cpu in WINDOWS_CPUS
        for accelerator in WINDOWS_ACCELERATORS[cpu]
    ]
    return {
        "constraints": [
            [
                _code("accelerator"),
                ", ".join([_code(accelerator) for accelerator in ACCELERATORS]),
                _code(DEFAULT_ACCELERATOR),
            ],
            [
                _code("glibc"),
                ", ".join([_code(glibc_value(floor)) for floor in GLIBC_FLOORS]),
                _code(glibc_value(DEFAULT_GLIBC_FLOOR)),
            ],
            [
                _code("libc"),
                ", ".join([_code(libc_value(libc)) for libc in LIBCS]),
                _code(libc_value(DEFAULT_LIBC)),
            ],
        ],
        "platforms": linux + musl + macos + windows,
    }
