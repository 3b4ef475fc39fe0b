#include "native/media/image.h"

#include <algorithm>
#include <climits>
#include <cstdlib>

#include "native/core/errors.h"

namespace {

// Bytes that the decoder of this thread may still take: the sizes within a file may lie, and a
// stream of PNG unpacks to a thousand times its length.
thread_local size_t t_budget = 0;

// Each block begins with its size, so that freeing it gives back what it took.
constexpr size_t kHead = alignof(std::max_align_t);

void* limited_malloc(size_t size) {
    if (size > t_budget) {
        return nullptr;
    }
    auto* block = static_cast<unsigned char*>(std::malloc(size + kHead));
    if (block == nullptr) {
        return nullptr;
    }
    *reinterpret_cast<size_t*>(block) = size;
    t_budget -= size;
    return block + kHead;
}

void limited_free(void* pointer) {
    if (pointer != nullptr) {
        unsigned char* block = static_cast<unsigned char*>(pointer) - kHead;
        t_budget += *reinterpret_cast<size_t*>(block);
        std::free(block);
    }
}

void* limited_realloc(void* pointer, size_t size) {
    if (pointer == nullptr) {
        return limited_malloc(size);
    }
    unsigned char* block = static_cast<unsigned char*>(pointer) - kHead;
    const size_t before = *reinterpret_cast<size_t*>(block);
    if (size > t_budget + before) {
        return nullptr;
    }
    block = static_cast<unsigned char*>(std::realloc(block, size + kHead));
    if (block == nullptr) {
        return nullptr;
    }
    *reinterpret_cast<size_t*>(block) = size;
    t_budget = t_budget + before - size;
    return block + kHead;
}

}  // namespace

// Without the decoders that read outside of a file that is cut off (PIC), and those of formats that
// chats do not have.
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_ONLY_GIF
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#define STBI_MALLOC(size) limited_malloc(size)
#define STBI_REALLOC(pointer, size) limited_realloc(pointer, size)
#define STBI_FREE(pointer) limited_free(pointer)
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#include <stb/stb_image.h>

namespace core {
namespace {

constexpr const char* kHow =
    "\nConvert it to JPEG or PNG, or pass its pixels as an array of (height, width, 3).";

// A row of a PNG takes 8 bytes per pixel packed, 8 unpacked and 8 converted when its samples have
// 16 bits, more than any other file; smaller tables and windows do not depend on the size.
constexpr int64_t kBytesPerPixel = 32;
constexpr int64_t kBytesOfTables = int64_t{16} << 20;

}  // namespace

Image decode_image(const uint8_t* data, size_t size, int64_t max_pixels) {
    if (size > static_cast<size_t>(INT_MAX)) {
        throw Error(ErrorKind::kMedia,
                    format("the image file has %zu bytes, more than 2 GiB", size));
    }
    const int length = static_cast<int>(size);
    Image image;
    int channels = 0;
    t_budget = kBytesOfTables;
    if (stbi_info_from_memory(data, length, &image.width, &image.height, &channels) == 0) {
        throw Error(ErrorKind::kMedia, std::string("the image is no JPEG, PNG, GIF or BMP file, or "
                                                   "is damaged at its beginning (") +
                                           stbi_failure_reason() + ")" + kHow);
    }
    const int64_t n_pixels = int64_t{image.width} * image.height;
    if (image.width < 1 || image.height < 1) {
        throw Error(ErrorKind::kMedia, std::string("the image has no pixels") + kHow);
    }
    if (n_pixels > max_pixels) {
        throw Error(
            ErrorKind::kMedia,
            format("the image has %d x %d pixels, and %lld are allowed\nPass a smaller one.",
                   image.width, image.height, static_cast<long long>(max_pixels)));
    }
    t_budget = static_cast<size_t>(kBytesOfTables + n_pixels * kBytesPerPixel);
    uint8_t* rgb =
        stbi_load_from_memory(data, length, &image.width, &image.height, &channels, STBI_rgb);
    if (rgb == nullptr) {
        throw Error(ErrorKind::kMedia,
                    std::string("the image is damaged (") + stbi_failure_reason() + ")" + kHow);
    }
    image.rgb.reset(rgb, [](const uint8_t* pixels) { limited_free(const_cast<uint8_t*>(pixels)); });
    return image;
}

}  // namespace core
