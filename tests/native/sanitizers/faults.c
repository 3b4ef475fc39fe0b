// One fault each, which a sanitizer has to report: a library, so that Python's processes load it
// too. Sizes come from the caller, for the compiler to foresee nothing.
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define FAULT __attribute__((visibility("default")))

// Undefined behaviour: `zero` is 0.

FAULT int signed_overflow(int zero) { return INT_MAX - zero + 1; }

FAULT int wide_shift(int zero) { return 1 << (zero + 32); }

FAULT int misaligned_load(int zero) {
    char* block = malloc((size_t)zero + 10);
    memset(block, zero, 10);
    const int number = *(const int*)(block + zero + 1);
    free(block);
    return number;
}

FAULT int index_out_of_bounds(int zero) {
    const int numbers[2] = {1, 2};
    return numbers[zero + 2];
}

// Memory: `zero` is 0.

FAULT int heap_overflow(int zero) {
    volatile char* block = malloc((size_t)zero + 10);
    block[10] = 1;
    free((void*)block);
    return zero;
}

FAULT int use_after_free(int zero) {
    volatile char* block = malloc((size_t)zero + 10);
    free((void*)block);
    return block[zero];
}

FAULT int stack_overflow(int zero) {
    volatile char block[10];
    block[zero + 10] = 1;
    return block[zero];
}

FAULT int leak(int zero) {
    volatile char* block = malloc((size_t)zero + 10);
    block[zero] = 1;
    block = NULL;
    return zero;
}

// No fault.
FAULT int none(int zero) {
    char* block = malloc((size_t)zero + 10);
    memset(block, zero, 10);
    free(block);
    return zero;
}
