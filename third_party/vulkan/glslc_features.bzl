"""What the pinned glslc supports of the seven extensions that llama.cpp tries out (its
vulkan-shaders/feature-tests).

Pinned beside the compiler, because defines must be known before anything runs;
//tests/vulkan:glslc_features_test tries them.
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
