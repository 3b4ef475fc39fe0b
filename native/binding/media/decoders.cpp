// Files of images and sounds as arrays.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <memory>
#include <utility>

#include "native/binding/interpreter/doc.h"
#include "native/binding/interpreter/gil.h"
#include "native/binding/interpreter/init.h"
#include "native/core/errors.h"
#include "native/media/image.h"
#include "native/media/sound.h"

namespace py = pybind11;

namespace core {
namespace {

py::array_t<uint8_t> image_pixels(const py::bytes& data, int64_t max_pixels) {
    const std::string_view file = data;
    auto image = std::make_unique<Image>();
    {
        GilRelease release;
        *image =
            decode_image(reinterpret_cast<const uint8_t*>(file.data()), file.size(), max_pixels);
    }
    const py::ssize_t height = image->height;
    const py::ssize_t width = image->width;
    const uint8_t* rgb = image->rgb.get();
    const py::capsule owner(image.release(),
                            [](void* pointer) { delete static_cast<Image*>(pointer); });
    return py::array_t<uint8_t>({height, width, py::ssize_t{3}}, rgb, owner);
}

py::array_t<float> sound_samples(const py::bytes& data, uint32_t sample_rate, double max_seconds) {
    if (sample_rate < 1 || !(max_seconds > 0)) {
        throw Error(ErrorKind::kValue, "sample_rate and max_seconds have to be greater than 0");
    }
    const std::string_view file = data;
    std::vector<float> samples;
    {
        GilRelease release;
        samples = decode_sound(reinterpret_cast<const uint8_t*>(file.data()), file.size(),
                               sample_rate, max_seconds);
    }
    return py::array_t<float>(static_cast<py::ssize_t>(samples.size()), samples.data());
}

}  // namespace

void init_decoders(py::module_& m) {
    m.def("decode_image", &image_pixels, py::arg("data"), py::arg("max_pixels"),
          R"(
          Decodes an image file.

          Args:
            data: A JPEG, PNG, GIF or BMP file; of a GIF its first image is taken.
            max_pixels: The most pixels that are allowed.

          Returns:
            An array of (height, width, 3): red, green and blue, rows from the top. Transparency
            is dropped, and an orientation in the file is not applied, as in libmtmd.

          Raises:
            MediaError: It is another file, damaged, or has too many pixels.
          )"_doc);
    m.def("decode_audio", &sound_samples, py::arg("data"), py::arg("sample_rate"),
          py::arg("max_seconds"),
          R"(
          Decodes a sound file.

          Args:
            data: A WAV, MP3 or FLAC file.
            sample_rate: Samples per second of the result.
            max_seconds: The longest sound that is allowed.

          Returns:
            An array of (samples,), from -1 to 1; several channels are mixed into one.

          Raises:
            MediaError: It is another file, damaged, or too long.
          )"_doc);
}

}  // namespace core
