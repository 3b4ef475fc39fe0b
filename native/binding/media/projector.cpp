// Projector: images and sounds as embeddings of a text model.
#include "native/media/projector.h"

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/typing.h>

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "native/binding/context/context.h"
#include "native/binding/interpreter/convert.h"
#include "native/binding/interpreter/doc.h"
#include "native/binding/interpreter/gil.h"
#include "native/binding/interpreter/init.h"
#include "native/binding/model/model.h"

namespace py = pybind11;

namespace core {
namespace {

using Pixels = py::array_t<uint8_t, py::array::c_style>;
using Floats = py::array_t<float, py::array::c_style>;

class Projector {
  public:
    Projector(const Model& model, const Path& path, const ProjectorParams& params) {
        auto owner = model.get();
        GilRelease release;
        handle_.open(make_outside_gil<ProjectorHandle>(std::move(owner), path.text, params));
    }

    std::shared_ptr<ProjectorHandle> get() const { return handle_.get(); }
    bool closed() const { return handle_.closed(); }
    void close() {
        GilRelease release;
        handle_.close();
    }

  private:
    Closable<ProjectorHandle> handle_{"Projector"};
};

std::shared_ptr<Bitmap> image(const Pixels& pixels, std::string key, bool is_frame) {
    if (pixels.ndim() != 3 || pixels.shape(2) != 3 || pixels.size() == 0 ||
        pixels.shape(0) > INT16_MAX || pixels.shape(1) > INT16_MAX) {
        throw Error(ErrorKind::kMedia,
                    "the pixels of an image have to be an array of (height, width, 3), with 1 to "
                    "32767 rows and columns\nMake it smaller, or add its missing axis.");
    }
    auto bitmap = std::make_shared<Bitmap>();
    bitmap->height = static_cast<int32_t>(pixels.shape(0));
    bitmap->width = static_cast<int32_t>(pixels.shape(1));
    bitmap->rgb.assign(pixels.data(), pixels.data() + pixels.size());
    bitmap->is_frame = is_frame;
    bitmap->key = std::move(key);
    return bitmap;
}

std::shared_ptr<Bitmap> sound(const Floats& samples, std::string key) {
    if (samples.ndim() != 1) {
        throw Error(ErrorKind::kMedia,
                    "the samples of a sound have to be an array of one dimension\n"
                    "Mix its channels into one: samples.mean(axis=...).");
    }
    if (samples.size() < 2) {
        throw Error(ErrorKind::kMedia, "the sound has fewer than 2 samples\nPass a longer one.");
    }
    auto bitmap = std::make_shared<Bitmap>();
    bitmap->samples.assign(samples.data(), samples.data() + samples.size());
    bitmap->key = std::move(key);
    return bitmap;
}

using Part = std::variant<std::shared_ptr<Bitmap>, py::bytes>;
using Piece = std::variant<std::shared_ptr<MediaChunk>, std::vector<llama_token>>;

std::vector<Piece> tokenize_parts(const Projector& self, const std::vector<Part>& parts) {
    std::vector<PromptPart> given;
    for (const Part& part : parts) {
        PromptPart& next = given.emplace_back();
        if (const auto* bitmap = std::get_if<std::shared_ptr<Bitmap>>(&part)) {
            next.bitmap = *bitmap;
        } else {
            next.text = std::string(std::get<py::bytes>(part));
        }
    }
    std::vector<PromptPiece> pieces;
    {
        GilRelease release;
        pieces = self.get()->tokenize(given);
    }
    std::vector<Piece> result;
    for (PromptPiece& piece : pieces) {
        if (piece.chunk != nullptr) {
            result.emplace_back(std::move(piece.chunk));
        } else {
            result.emplace_back(std::move(piece.tokens));
        }
    }
    return result;
}

Floats encode_chunk(const Projector& self, const Context& context, const MediaChunk& chunk) {
    const auto projector = self.get();
    const std::vector<float> rows = with_context(
        context, [&](ContextHandle& handle) { return projector->encode(chunk, handle); });
    const py::ssize_t n_tokens = chunk.n_tokens;
    return Floats({n_tokens, static_cast<py::ssize_t>(rows.size()) / n_tokens}, rows.data());
}

void decode_chunk(const Projector& self, const Context& context, const MediaChunk& chunk,
                  const Floats& rows, llama_pos pos0, llama_seq_id seq_id) {
    const auto projector = self.get();
    std::vector<float> copy(rows.data(), rows.data() + rows.size());
    with_context(context, [&](ContextHandle& handle) {
        projector->decode(chunk, std::move(copy), pos0, seq_id, handle);
    });
}

void bind_bitmap(py::module_& m) {
    py::class_<Bitmap, std::shared_ptr<Bitmap>> cls(m, "Bitmap",
                                                    "An image or a sound for a Projector.");
    cls.def_static("image", &image, py::arg("pixels"), py::arg("key"), py::arg("is_frame") = false,
                   R"(
                   Returns an image.

                   Args:
                     pixels: An array of (height, width, 3): red, green and blue.
                     key: A text that no other image has.
                     is_frame: Whether it belongs to a video. Some models read two frames at once.

                   Raises:
                     MediaError: The array has another shape.
                   )"_doc);
    cls.def_static("sound", &sound, py::arg("samples"), py::arg("key"),
                   R"(
                   Returns a sound.

                   Args:
                     samples: An array of (samples,), at the projector's sample rate.
                     key: A text that no other sound has.

                   Raises:
                     MediaError: The array has another shape.
                   )"_doc);
}

void bind_chunk(py::module_& m) {
    py::class_<MediaChunk, std::shared_ptr<MediaChunk>> cls(
        m, "MediaChunk", "Embeddings in a prompt: of an image, a slice of one, or of a sound.");
    cls.def_property_readonly(
        "key", [](const MediaChunk& self) { return self.key; },
        "Equal for chunks whose embeddings are equal.");
    cls.def_property_readonly(
        "n_tokens", [](const MediaChunk& self) { return self.n_tokens; },
        "Number of embeddings; each takes the room of a token.");
    cls.def_property_readonly(
        "n_pos", [](const MediaChunk& self) { return self.n_pos; },
        "Number of positions that they take; with M-RoPE fewer than n_tokens.");
}

}  // namespace

void init_projector(py::module_& m) {
    bind_bitmap(m);
    bind_chunk(m);
    py::class_<Projector, std::shared_ptr<Projector>> cls(m, "Projector", R"(
        A model that makes embeddings for a text model out of images, or sounds (an mmproj file).

        Several contexts of the text model may use it, one at a time.
        )"_doc);
    cls.def(py::init([](const Model& model, const Path& path, bool use_gpu, int32_t n_threads,
                        int32_t image_min_tokens, int32_t image_max_tokens) {
                const ProjectorParams params{use_gpu, n_threads, image_min_tokens,
                                             image_max_tokens};
                return make_outside_gil<Projector>(model, path, params);
            }),
            py::arg("model"), py::arg("path"), py::kw_only(), py::arg("use_gpu") = true,
            py::arg("n_threads") = 1, py::arg("image_min_tokens") = -1,
            py::arg("image_max_tokens") = -1,
            R"(
            Loads a projector.

            Args:
              model: Its text model, with weights.
              path: A GGUF file.
              use_gpu: Whether a GPU encodes, if there is one.
              n_threads: Threads for encoding on the CPU.
              image_min_tokens: The fewest tokens of an image, for models that let its size decide;
                -1: as the file says.
              image_max_tokens: The most tokens of an image, likewise.

            Raises:
              ModelLoadError: The file is missing, damaged, or made for another model.
            )"_doc);
    cls.def("close", &Projector::close, "Frees the projector, after the calls that are running.");
    cls.def_property_readonly("closed", &Projector::closed);
    cls.def_property_readonly(
        "reads_images", [](const Projector& self) { return self.get()->reads_images(); },
        "Whether it takes images.");
    cls.def_property_readonly(
        "reads_sounds", [](const Projector& self) { return self.get()->reads_sounds(); },
        "Whether it takes sounds.");
    cls.def_property_readonly(
        "sample_rate", [](const Projector& self) { return self.get()->sample_rate(); },
        "Samples per second of its sounds; -1 if it takes none.");
    cls.def("tokenize", &tokenize_parts, py::arg("parts"),
            R"(
            Returns a prompt in the form in which it is evaluated.

            Args:
              parts: Texts in UTF-8, which may name control tokens, and bitmaps.

            Returns:
              Lists of token ids, and chunks. The tokens that this model has before and after an
              image or a sound are among them; BOS is not.

            Raises:
              MediaError: The projector takes no such bitmap, or cannot use this one.
            )"_doc);
    cls.def("encode", &encode_chunk, py::arg("context"), py::arg("chunk"),
            R"(
            Returns the embeddings of a chunk.

            Args:
              context: The context that they are for; its abort() ends the call.
              chunk: A chunk of tokenize().

            Returns:
              An array of (n_tokens, n_embd), n_embd the width of the text model's input.

            Raises:
              AbortedError: It was stopped.
              MediaError: llama.cpp fails.
            )"_doc);
    cls.def("decode", &decode_chunk, py::arg("context"), py::arg("chunk"), py::arg("rows"),
            py::arg("pos0"), py::arg("seq_id") = 0,
            R"(
            Evaluates the embeddings of a chunk, which have no outputs.

            Args:
              context: A context of the text model.
              chunk: The chunk.
              rows: The result of encode() for it.
              pos0: Its first position.
              seq_id: The sequence.

            Raises:
              ContextOverflowError: There is no room for it.
              ContextError: It has to be evaluated at once and n_ubatch is too small, or an argument
                is wrong.
              AbortedError: abort() was called.
              DecodeError: llama.cpp fails.
            )"_doc);
}

}  // namespace core
