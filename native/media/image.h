// Files of images as pixels.
#ifndef NATIVE_MEDIA_IMAGE_H_
#define NATIVE_MEDIA_IMAGE_H_

#include <cstddef>
#include <cstdint>
#include <memory>

namespace core {

struct Image {
    int32_t width = 0;
    int32_t height = 0;
    std::shared_ptr<const uint8_t> rgb;  // rows from the top, three bytes per pixel
};

// Decodes a JPEG, PNG, GIF (its first frame) or BMP file; an alpha channel is dropped. Fails with
// MediaError for other files, damaged ones, and images of more pixels.
Image decode_image(const uint8_t* data, size_t size, int64_t max_pixels);

}  // namespace core

#endif  // NATIVE_MEDIA_IMAGE_H_
