// The functions of the HIP runtime that ggml calls, for the linker alone: the real library comes
// with the user's ROCm. A function that is missing here fails the link by name.
#define STUB(name) \
    void name(void) {}
