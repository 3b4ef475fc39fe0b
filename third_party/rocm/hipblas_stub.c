// The functions of hipBLAS that ggml calls, for the linker alone; see amdhip64_stub.c.
#define STUB(name) \
    void name(void) {}
