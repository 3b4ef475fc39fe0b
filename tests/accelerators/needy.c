// A backend that needs a library which nobody installs.
int placeholder(void);

__attribute__((visibility("default"))) void* ggml_backend_init(void) {
    return placeholder() ? "" : (void*)0;
}
