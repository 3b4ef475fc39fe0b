// The functions of the CUDA driver that ggml calls (memory pools of virtual memory), for the linker
// alone: NVIDIA's wheels hold no stub of the driver. A function that is missing here fails the link
// by name.
#define STUB(name) \
    void name(void) {}

STUB(cuDeviceGet)
STUB(cuDeviceGetAttribute)
STUB(cuGetErrorString)
STUB(cuMemAddressFree)
STUB(cuMemAddressReserve)
STUB(cuMemCreate)
STUB(cuMemGetAllocationGranularity)
STUB(cuMemMap)
STUB(cuMemRelease)
STUB(cuMemSetAccess)
STUB(cuMemUnmap)
