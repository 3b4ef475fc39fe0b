// quantize(): writing a model file with smaller weights.
#include <pybind11/pybind11.h>

#include <filesystem>
#include <string>
#include <system_error>

#include "ggml.h"
#include "llama.h"
#include "native/binding/interpreter/convert.h"
#include "native/binding/interpreter/doc.h"
#include "native/binding/interpreter/gil.h"
#include "native/binding/interpreter/init.h"
#include "native/core/errors.h"
#include "native/core/gguf_file.h"
#include "native/core/log.h"

namespace py = pybind11;

namespace core {
namespace {

// llama.cpp converts that much in one go, and answers no signal meanwhile.
constexpr size_t kLargestBuffer = size_t{256} << 20;

using QuantizeParams = llama_model_quantize_params;
namespace fs = std::filesystem;

void check_tensor_type(const char* name, ggml_type type) {
    // GGML_TYPE_COUNT means: llama.cpp chooses. The table has holes where types were removed.
    const bool is_valid = type == GGML_TYPE_COUNT || (type >= 0 && type < GGML_TYPE_COUNT &&
                                                      ggml_get_type_traits(type)->blck_size > 0);
    if (!is_valid) {
        throw py::value_error(
            format("%s = %d is not a ggml type; %d leaves the choice to llama.cpp", name,
                   static_cast<int>(type), static_cast<int>(GGML_TYPE_COUNT)));
    }
}

void check_output(const std::string& input, const std::string& output) {
    if (output.empty() || output.find('\0') != std::string::npos) {
        throw Error(ErrorKind::kValue, output.empty()
                                           ? "the path of the output is empty"
                                           : "the path of the output contains a NUL character");
    }
    std::error_code error;
    const fs::path file = fs::u8path(output);
    if (fs::equivalent(fs::u8path(input), file, error)) {
        throw Error(ErrorKind::kLlama,
                    "the output file is the input file, which would be destroyed: " + output);
    }
    if (fs::is_directory(file, error)) {
        throw Error(ErrorKind::kLlama, "the output is a directory: " + output);
    }
    if (fs::exists(file, error) && !fs::is_regular_file(file, error)) {
        throw Error(ErrorKind::kLlama, "the output is not a regular file: " + output);
    }
    const fs::path directory = fs::absolute(file, error).parent_path();
    if (!fs::is_directory(directory, error)) {
        throw Error(ErrorKind::kLlama,
                    "the directory of the output file does not exist: " + directory.u8string());
    }
}

// Removes a partially written output.
void remove_output(const std::string& output) {
    std::error_code error;
    const fs::path file = fs::u8path(output);
    if (fs::is_regular_file(file, error)) {
        fs::remove(file, error);
    }
}

void quantize(const Path& input_file, const Path& output_file, const QuantizeParams& params) {
    const std::string& input = input_file.text;
    const std::string& output = output_file.text;
    check_tensor_type("output_tensor_type", params.output_tensor_type);
    check_tensor_type("token_embedding_type", params.token_embedding_type);
    QuantizeParams bounded = params;
    if (bounded.max_buf_size == 0 || bounded.max_buf_size > kLargestBuffer) {
        bounded.max_buf_size = kLargestBuffer;
    }
    GilRelease release;
    check_gguf_file(input, "Model");
    check_output(input, output);
    LogCapture log;
    const uint32_t status = call_native(ErrorKind::kLlama, [&] {
        return llama_model_quantize(input.c_str(), output.c_str(), &bounded);
    });
    if (status != 0) {
        remove_output(output);
        std::string reason = log.take();
        if (reason.find("iostream") != std::string::npos) {
            reason = "the output cannot be written; is the disk full, or the file protected?";
        }
        throw Error(ErrorKind::kLlama,
                    "Failed to quantize " + input + " to " + output + ": " + reason);
    }
}

}  // namespace

void init_quantize(py::module_& m) {
    m.def(
        "quantize",
        [](const Path& input, const Path& output, uintptr_t params) {
            quantize(input, output, *reinterpret_cast<const QuantizeParams*>(params));
        },
        py::arg("fname_inp"), py::arg("fname_out"), py::arg("params"),
        R"(
        Writes a quantized copy of a model file.

        Args:
          fname_inp: The model file.
          fname_out: File to write.
          params: Address of a ``struct llama_model_quantize_params``.

        Raises:
          ModelLoadError: The input is not a model.
          LlamaError: The file type is unknown, the output cannot be written, or the model cannot
            be quantized like this. The message has llama.cpp's reason.
          ValueError: There is no such tensor type, or the path of the output is invalid.
        )"_doc);
}

}  // namespace core
