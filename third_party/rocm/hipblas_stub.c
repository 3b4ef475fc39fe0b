// The functions of hipBLAS that ggml calls, for the linker alone; see amdhip64_stub.c.
#define STUB(name) \
    void name(void) {}

STUB(hipblasCreate)
STUB(hipblasDestroy)
STUB(hipblasGemmBatchedEx)
STUB(hipblasGemmEx)
STUB(hipblasGemmStridedBatchedEx)
STUB(hipblasSetStream)
STUB(hipblasSgemm)
STUB(hipblasSgemmBatched)
STUB(hipblasSgemmStridedBatched)
STUB(hipblasStrsmBatched)
