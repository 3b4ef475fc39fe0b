// A library that is there at link time only.
__attribute__((visibility("default"))) int placeholder(void) { return 0; }
