// Put in front of each file of `--config=asan` (sanitizers.bzl): libc++'s std::deque marks its
// unused elements with a function that the AddressSanitizer of gcc 12 lacks. They stay unmarked.
#ifdef __cplusplus
extern "C" inline void __sanitizer_annotate_double_ended_contiguous_container(
    const void*, const void*, const void*, const void*, const void*, const void*) {}
#endif
