"""Other projects' checkers of wheels and SBOMs, which tests/wheel runs, with their imports.

Left out, because the parts that are run do not import them: keyring, id, requests-toolbelt, rfc3986
and markdown-it-py of twine; of cyclonedx-python-lib only the schemas are read (`jsonschema` needs a
compiled package for every ABI, fastjsonschema none). wheel-inspect is not the newest, which wants
another wheel-filename than check-wheel-contents. abi3audit is not here: it audits the stable ABI,
which pybind11 does not have.
"""

# ABI tag (`any` for pure Python and the stable ABI) -> file -> "package sha256", as in pins.bzl.
WHEEL_TOOLS = {
    "any": {
        "annotated_types-0.8.0-py3-none-any.whl": "annotated-types f072f4d804ea359e4eaf198b1af7a8b0943881a87f31bb764f8bf219bb9419e0",
        "attrs-26.1.0-py3-none-any.whl": "attrs c647aa4a12dfbad9333ca4e71fe62ddc36f4e63b2d260a37a8b83d2f043ac309",
        "certifi-2026.10.19.post1-py3-none-any.whl": "certifi 1324c476b4811eff41a8bc2122cd0bbd4d9c7234c725446d99ab1612b3a7fdd2",
        "charset_normalizer-3.5.2-py3-none-any.whl": "charset-normalizer b6b751274acb69d77b3323d6b7dbaa3c7fdfc1eb829b7eb61d262f32e1af9685",
        "check_wheel_contents-0.6.3-py3-none-any.whl": "check-wheel-contents 5ae39c8c434b972f0740d04610759168590713175aab584b012b1b84f6771874",
        "click-8.5.1-py3-none-any.whl": "click 8bb5376d2006950386f8c6427613334a2acadc5f559cb80e638d00b4df957e37",
        "cyclonedx_python_lib-11.12.0-py3-none-any.whl": "cyclonedx-python-lib 0e807521a921a5c3cb8ce1153f8a61d29eedfe76a46aac2796b7c6b573391a54",
        "deprecated-1.3.1-py2.py3-none-any.whl": "deprecated 597bfef186b6f60181535a29fbe44865ce137a5079f295b479886c82729d5f3f",
        "docutils-0.23-py3-none-any.whl": "docutils 25d013af9bf23bc1c7b2b093dff4208166c53a94786c9e447808335ef1185fea",
        "entry_points_txt-0.3.0-py3-none-any.whl": "entry-points-txt 690a9335a17ded03ed221c2019c28094e74a9ea734931bd6ee6d853e58caa90a",
        "fastjsonschema-2.22.3-py3-none-any.whl": "fastjsonschema f670b443830b75aca3f00b75949efa20f4b2a80302ec7a21505c28dd54cffd43",
        "headerparser-0.5.2-py3-none-any.whl": "headerparser e89d35c8cfe494f7fdec6eff14b4a9d5542fc2b2b8f1b50d750b62d822d0b8d6",
        "idna-3.20-py3-none-any.whl": "idna ab7ae7122974553370f0bdb919e1a960b2cd1bc1ef0276416d896db81c14582c",
        "nh3-0.3.8-cp39-abi3-manylinux2014_x86_64.manylinux_2_17_x86_64.whl": "nh3 3e97326a8c7b537b5583aad483f249d7c8d0398fbf7b61a995fc508ffdc0d2ee",
        "pydantic-2.14.4-py3-none-any.whl": "pydantic 653a2ad9f6d8858529c77c72717d0ea991d6c6837fe683246b2f4b2bbfc3fadc",
        "readme_renderer-46.0-py3-none-any.whl": "readme-renderer d0dae1f74bb273b534770cb4cccb6bb78735540afdb03c2146f4e19dcd412560",
        "requests-2.34.2-py3-none-any.whl": "requests 2a0d60c172f83ac6ab31e4554906c0f3b3588d37b5cb939b1c061f4907e278e0",
        "rich-15.0.0-py3-none-any.whl": "rich 33bd4ef74232fb73fe9279a257718407f169c09b78a87ad3d296f548e27de0bb",
        "tomli-2.5.0-py3-none-any.whl": "tomli 32a7b79ac57a2e83670ce329ccf675798bc5a2094783a63676866b70503f2e2b",
        "trove_classifiers-2026.9.21.13-py3-none-any.whl": "trove-classifiers 8b1ff4f9c191b1040b71c37f1e445ab99732911e3cd91de52838453a854d7a17",
        "twine-7.0.0-py3-none-any.whl": "twine b854164df26db268af05f49aa5c0344b10e27a494343ff05b1e0bad3b135f5a7",
        "typing_inspection-0.4.5-py3-none-any.whl": "typing-inspection bc210535442b39e1bf2805e0c7a17dfd6a4ace760c84c7f7d16245d23a6b1c39",
        "urllib3-2.8.0-py3-none-any.whl": "urllib3 0cf3cae568d36aa9576b28dfb35f11328f1cb974ca7647d9475ebb86c75ac6e3",
        "wheel_filename-1.4.2-py3-none-any.whl": "wheel-filename 3fa599046443d4ca830d06e3d180cd0a675d5871af0a68daa5623318bb4d17e3",
        "wheel_inspect-1.7.2-py3-none-any.whl": "wheel-inspect 872b7f905899dd3275b0c694f5979136d8253c8ae6d5ec0e54ac6e719330b755",
        "wrapt-2.5.2-py3-none-any.whl": "wrapt 61eb54e9540ea522c2c4752a57549a83d3c67e6704ed708403d28e067aaf90f0",
    },
    "cp310": {
        "pydantic_core-2.50.5-cp310-cp310-manylinux2014_x86_64.manylinux_2_17_x86_64.whl": "pydantic-core 92c0ebab606f982730aaaa741a30cd5e0f68dc7c005a5baa9b332fc182232c61",
    },
    "cp311": {
        "pydantic_core-2.50.5-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.whl": "pydantic-core 488319076ec92908b91fc6265ce761f1d78748f69f85518564fd16bf333e1b70",
    },
    "cp312": {
        "pydantic_core-2.50.5-cp312-cp312-manylinux2014_x86_64.manylinux_2_17_x86_64.whl": "pydantic-core 470bbc2495367f60d3ca849a8039e4c164701d10637e7743f4427d92651bdb6d",
    },
    "cp313": {
        "pydantic_core-2.50.5-cp313-cp313-manylinux2014_x86_64.manylinux_2_17_x86_64.whl": "pydantic-core cbfde3ad127786f1dea1a6cd89a5eb824a16203f24743ad2b4e07506f43bc844",
    },
    "cp314": {
        "pydantic_core-2.50.5-cp314-cp314-manylinux2014_x86_64.manylinux_2_17_x86_64.whl": "pydantic-core 88b543705849d0c59343f97c38296dbf59eb7b3c9565bd4fe1ed638ba38da5ed",
    },
}

def wheel_tools_repository(abi_tag):
    """Returns the name of the repository with the tools for an ABI tag."""
    return "wheel_tools_" + abi_tag
