"""Pinned archives of python-build-standalone, for machines that reach the open network."""

load("//bazel/toolchains/python:abis.bzl", "PYTHON_ABIS")
load("//bazel/toolchains/python:machines.bzl", "PYTHON_MACHINES")

_URL = (
    "https://github.com/astral-sh/python-build-standalone/releases/download/" +
    "{release}/cpython-{version}%2B{release}-{triple}{flavour}-install_only.tar.gz"
)

def _pin(release, version, **sha256):
    return struct(
        # Release of python-build-standalone, a date.
        release = release,
        # SHA-256 per key of PYTHON_MACHINES.
        sha256 = sha256,
        # Version of Python.
        version = version,
    )

# 3.15 waits for a release with the final ABI: the newest one that was pinned anywhere was an alpha.
# buildifier: disable=unsorted-dict-items
_PINS = {
    "cp39": _pin(
        linux_aarch64 = "6112d46355857680b81849764a6cf9f38cc4cd0d1cf29d432bc12fe5aeedf9d0",
        linux_x86_64 = "42834f61eb6df43432c3dd6ab9ca3fdf8c06d10a404ebdb53d6902e6b9570b08",
        macos_aarch64 = "87275619c2706affa4d1090d2ca3dad354b6d69f8b85dbfafe38785870751b9a",
        macos_x86_64 = "ace63cfe27a9487c4d72e1cb518be01c1d985271da0b2158e813801f7d3e5503",
        musl_x86_64 = "76593e8c889e81e82db5fe117fe15b69466f85100ab2ec0e4035aa86242b4e93",
        release = "20251031",
        version = "3.9.25",
    ),
    "cp310": _pin(
        linux_aarch64 = "64932c8e8bbdf9d6b66ee85934f6f8ad1d18218b51a87ea06cefd3b84554a3e4",
        linux_x86_64 = "303047011b2c9f58504a930fc974d84547477cf69a3f2962f25552e2395c13af",
        macos_aarch64 = "f76cc83c7db16cfc8794bf6e44d834152b57d8bab4e04e823cbc59ed23ec22f8",
        macos_x86_64 = "95a2d794b8981723095190fa94b574ceb4272bb49d83b9e418bb90341e304d09",
        musl_x86_64 = "84eb198d318f8b1b8bf59eef5d30d742e13afd97c213fa229578f8fdab0c406f",
        release = "20260414",
        version = "3.10.20",
    ),
    "cp311": _pin(
        linux_aarch64 = "77836944ae15b74e0b25bdc68a4703a340f2ccb684effc0f45fbd7910e1a1f39",
        linux_x86_64 = "8b14030dd3af9ea7f7c51b4c90feb04afd8a8f45435727e67b875270bd08f3bc",
        macos_aarch64 = "a57ffd435652092d16b30e783f9826c55e9c64b0f0a72cbae0a9f39e663137fb",
        macos_x86_64 = "317055d80e553764feeaef432d833dd8385c14b83465a8b3fa7c2b7819cba681",
        musl_x86_64 = "ca92d3a68a39fa330498b09714733f347bead7313ba9d9b7fbed837aa4ba7796",
        release = "20260414",
        version = "3.11.15",
    ),
    "cp312": _pin(
        linux_aarch64 = "355d981eafb9b2870af79ddc106ced7266b6f6d2101d8fbcb05620fa386642b9",
        linux_x86_64 = "cdcf8724d46e4857f8db5ee9f4252dc2f5da34f7940294ec6b312389dd3f41e0",
        macos_aarch64 = "8966b2bcd9fa03ba22c080ad15a86bc12e41a00122b16f4b3740e302261124d9",
        macos_x86_64 = "801b03fbe004181d55a02ebd8b4e04d74973e70d716062aebe3b3cf32e9be297",
        musl_x86_64 = "d10e971238c130fdf25e577c6538a3effa5589d5fcf53665e3c711edd6a6ff2f",
        release = "20260414",
        version = "3.12.13",
    ),
    "cp313": _pin(
        linux_aarch64 = "6a65f68043d7fadcd580415493d2929d1fd686013f9ae44ddbd3a81307ab256d",
        linux_x86_64 = "e5ec3b2c5693215d153c434ac018e75511b2c4f96d2bce30468a477cb3a89d5e",
        macos_aarch64 = "c652dad552122cd2e76968ec41c803f8222038169b11310dba0c85928265f5c1",
        macos_x86_64 = "540337412d2c4220e99280f741dbf45c1e3da3a39edaaab20c6ba1d53e1692ef",
        musl_x86_64 = "24ac6bf80dd2991c8be348f777c96c6eb69b71e78d8fa28c09beb3ddca015a47",
        release = "20260414",
        version = "3.13.13",
    ),
    "cp314": _pin(
        linux_aarch64 = "5c8db1c21023316adad827a46d917bbbd6a85ae4e39bc3a58febda712c2f963d",
        linux_x86_64 = "e17275eaf95ceb5877aa6816e209b7733f41fee401d39c3921b88fb73fc4a4ba",
        macos_aarch64 = "8b7865e511b17093e090449bf71eb52933c17d45ad5257ddeacaffbb2c7239df",
        macos_x86_64 = "9ecb2b942e6698c04af10a63a3d73c0b2e8d8e11ce44933fbffe8651bef4577d",
        musl_x86_64 = "12687a989a2384665577e1ef9864f33d4c074a1e69b38a8bac8d656531aefa3e",
        release = "20260414",
        version = "3.14.4",
    ),
    "cp313t": _pin(
        linux_aarch64 = "46ac7e9476b938ef19f71029a77d28ed1e201335dd0aa0237fcfed2e5ce0ee61",
        linux_x86_64 = "a183ec7a10c38ab8c3f19968614f1e69ec697199e94525583662dfbc22b70d9a",
        macos_aarch64 = "2662b1c3f6d5ed4d02d877c07f9384acc0d18b9046d54cd2853dad3ca172784f",
        macos_x86_64 = "27edbaad8f0c1a8814647d24df3f87eb13c89bbc2cb90e2fc23d8fa48dd64b15",
        release = "20260414",
        version = "3.13.13",
    ),
    "cp314t": _pin(
        linux_aarch64 = "6d84fb153ccb5cb650652aadc490d99881a8d9b68cf273d44cb553e8cd087734",
        linux_x86_64 = "c1a845a79da56265dc49628bc3b9e20d34f04674fd2d637ee40cbe259d2b1b95",
        macos_aarch64 = "a4bfd77675740a0362c137b094f3cd9995775e8e6c0a7874a095dd055fd1ea99",
        macos_x86_64 = "1c366767d203b722efbd5b3796d16a08436e8a328afd31e551289efba9bf56d1",
        release = "20260414",
        version = "3.14.4",
    ),
}

def download_standalone(rctx, abi, machine):
    """Downloads an installation into the directory `standalone`.

    Args:
      rctx: the repository context.
      abi: a key of PYTHON_ABIS.
      machine: the key of PYTHON_MACHINES that it is for.

    Returns:
      (path, reason): the directory, or None and the reason.
    """
    pin = _PINS.get(abi)
    sha256 = pin.sha256.get(machine) if pin else None
    if not sha256:
        return None, "no python-build-standalone archive of it is pinned"
    url = _URL.format(
        flavour = "-freethreaded" if PYTHON_ABIS[abi].free_threaded else "",
        release = pin.release,
        triple = PYTHON_MACHINES[machine].triple,
        version = pin.version,
    )
    result = rctx.download_and_extract(
        allow_fail = True,
        output = "standalone",
        sha256 = sha256,
        stripPrefix = "python",
        url = url,
    )
    if not result.success:
        return None, "the archive of python-build-standalone could not be downloaded"
    return rctx.path("standalone"), ""
