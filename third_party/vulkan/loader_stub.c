// The functions of the Vulkan loader that ggml calls, for the linker alone: everything else it asks
// the loader for by name. A function that is missing here fails the link by name.
#define STUB(name) \
    void name(void) {}

STUB(vkCmdCopyBuffer)
STUB(vkGetDeviceProcAddr)
STUB(vkGetInstanceProcAddr)
STUB(vkGetPhysicalDeviceFeatures2)
