"""The pinned glslc's support of the seven extensions of llama.cpp's vulkan-shaders/feature-tests.

Pinned beside the compiler, because defines must be known before anything runs;
//tests/accelerators/vulkan:glslc_features_test tries them.
"""

GLSLC_FEATURES = [
    "bfloat16",
    "coopmat",
    "coopmat2",
    "coopmat2_decode_vector",
    "float_e2m1",
    "float_e4m3",
    "integer_dot",
]
