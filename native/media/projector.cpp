#include "native/media/projector.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "../src/llama-ext.h"
#include "mtmd-helper.h"
#include "native/core/gguf_file.h"
#include "native/core/interrupt.h"
#include "native/core/log.h"

namespace core {
namespace {

// Multiplications between two questions whether to stop: some 10 ms on two cores.
constexpr int64_t kWorkPerQuestion = int64_t{1} << 30;

constexpr char kWrongProjector[] =
    "\nTake another projector file, the one that was made for this very model.";

// Return values of mtmd_tokenize().
constexpr int32_t kStatusOk = 0;

void log_where_llama_logs() {
    ggml_log_callback callback = nullptr;
    void* user_data = nullptr;
    llama_log_get(&callback, &user_data);
    mtmd_helper_log_set(callback, user_data);
}

// Chooses the first of the text model's devices, as llama.cpp's programs do (mmproj_device in its
// common/arg.cpp), and the CPU where the model has none.
void choose_device(const ModelHandle& model, mtmd_context_params& native) {
    if (llama_model_n_devices(model.get()) == 0) {
        native.use_gpu = false;
        return;
    }
    ggml_backend_dev_t device = llama_model_get_device(model.get(), 0);
    // A group that splits each tensor (LLAMA_SPLIT_MODE_TENSOR) is no device for another model.
    if (ggml_backend_dev_type(device) != GGML_BACKEND_DEVICE_TYPE_META) {
        native.device = device;
    }
}

int64_t multiplications(const ggml_tensor* node) {
    switch (node->op) {
        case GGML_OP_MUL_MAT:
            return ggml_nelements(node) * node->src[0]->ne[0];
        case GGML_OP_FLASH_ATTN_EXT:
            return 2 * ggml_nelements(node) * node->src[1]->ne[1];
        default:
            return ggml_nelements(node);
    }
}

// The number of a part is the name of its bitmap, by which its chunks are known.
mtmd::bitmap_ptr native_bitmap(const Bitmap& bitmap, size_t number) {
    mtmd::bitmap_ptr native(
        bitmap.width == 0
            ? mtmd_bitmap_init_from_audio(bitmap.samples.size(), bitmap.samples.data())
            : mtmd_bitmap_init(static_cast<uint32_t>(bitmap.width),
                               static_cast<uint32_t>(bitmap.height), bitmap.rgb.data()));
    mtmd_bitmap_set_id(native.get(), std::to_string(number).c_str());
    mtmd_bitmap_set_mergeable(native.get(), bitmap.is_frame);
    return native;
}

// The length of a chunk's embeddings.
size_t count_of_floats(const MediaChunk& chunk, const ModelHandle& model) {
    return static_cast<size_t>(chunk.n_tokens) * llama_model_n_embd_inp(model.get());
}

size_t number_of(const mtmd_input_chunk* chunk) {
    return std::strtoull(mtmd_input_chunk_get_id(chunk), nullptr, 10);
}

// Parts of a prompt in llama.cpp's form.
class NativeParts {
  public:
    explicit NativeParts(const std::vector<PromptPart>& parts)
        : texts_(parts.size()), parts_(parts.size()) {
        for (size_t i = 0; i < parts.size(); ++i) {
            if (parts[i].bitmap != nullptr) {
                bitmaps_.push_back(native_bitmap(*parts[i].bitmap, i));
                parts_[i].bitmap = bitmaps_.back().get();
            } else {
                texts_[i] = {parts[i].text.data(), parts[i].text.size(), false, true};
                parts_[i].text = &texts_[i];
            }
            pointers_.push_back(&parts_[i]);
        }
    }

    const mtmd_input_part* const* data() const { return pointers_.data(); }
    size_t size() const { return pointers_.size(); }

  private:
    std::vector<mtmd::bitmap_ptr> bitmaps_;
    std::vector<mtmd_input_text> texts_;
    std::vector<mtmd_input_part> parts_;
    std::vector<const mtmd_input_part*> pointers_;
};

// Names chunks by the contents that they are made of.
class ChunkKeys {
  public:
    explicit ChunkKeys(const std::vector<PromptPart>& parts) : parts_(parts) {}

    std::string next(const mtmd_input_chunk* chunk, bool joins_frames) {
        const size_t number = number_of(chunk);
        ordinal_ = number == number_ ? ordinal_ + 1 : 0;
        number_ = number;
        std::string key = parts_[number].bitmap->key;
        const bool has_next = number + 1 < parts_.size() && parts_[number + 1].bitmap != nullptr;
        if (joins_frames && has_next) {
            key += "+" + parts_[number + 1].bitmap->key;
        }
        return key + format("/%zu/%zu/%d", ordinal_, mtmd_input_chunk_get_n_tokens(chunk),
                            place_of(chunk));
    }

  private:
    // Some models count the images of a prompt and tell the count to the text model.
    static int place_of(const mtmd_input_chunk* chunk) {
        const mtmd_image_tokens* image = mtmd_input_chunk_get_tokens_image(chunk);
        return image == nullptr
                   ? 0
                   : static_cast<int>(mtmd_image_tokens_get_decoder_pos(image, 0, 0).z);
    }

    const std::vector<PromptPart>& parts_;
    size_t number_ = SIZE_MAX;
    size_t ordinal_ = 0;
};

// Calls mtmd, for an image or a sound.
template <typename Call>
int32_t call(Call&& function) {
    try {
        return call_native(ErrorKind::kMedia, function);
    } catch (const Error& error) {
        pass_on_lost_server(error);
        throw Error(error.kind(), std::string(error.what()) + kWrongProjector);
    }
}

[[noreturn]] void refuse(const std::string& path, const std::string& reason) {
    throw Error(ErrorKind::kModelLoad, "Failed to load projector from file: " + path + ": " +
                                           reason +
                                           "\nGive the mmproj file that was made for this very "
                                           "model.");
}

}  // namespace

ProjectorHandle::ProjectorHandle(std::shared_ptr<ModelHandle> model, const std::string& path,
                                 const ProjectorParams& params)
    : model_(std::move(model)) {
    check_gguf_file(path, "Projector");
    log_where_llama_logs();
    mtmd_context_params native = mtmd_context_params_default();
    native.use_gpu = params.use_gpu;
    if (native.use_gpu) {
        choose_device(*model_, native);
    }
    native.print_timings = false;
    native.n_threads = params.n_threads;
    native.warmup = false;
    native.image_min_tokens = params.image_min_tokens;
    native.image_max_tokens = params.image_max_tokens;
    native.cb_eval = &ProjectorHandle::on_node;
    native.cb_eval_user_data = this;
    native.progress_callback = [](float, void*) { return !interrupt_requested(); };
    LogCapture log;
    try {
        context_.reset(call_native(ErrorKind::kModelLoad, [&] {
            return mtmd_init_from_file(path.c_str(), model_->get(), native);
        }));
    } catch (const Error& error) {
        pass_on_lost_server(error);
        refuse(path, error.what());
    }
    if (context_ == nullptr) {
        refuse(path, log.take());
    }
    mtmd_set_abort_callback(
        context_.get(), [](void* self) { return static_cast<ProjectorHandle*>(self)->must_stop(); },
        this);
}

ProjectorHandle::~ProjectorHandle() {
    // After a failed assertion its own state cannot be trusted; better to leak it.
    if (broken_) {
        context_.release();
    }
}

void ProjectorHandle::check_usable() const {
    if (broken_) {
        throw Error(ErrorKind::kMedia,
                    "this projector is unusable since llama.cpp failed an internal check in it\n"
                    "Close the Llama and create a new one.");
    }
}

std::vector<PromptPiece> ProjectorHandle::tokenize(const std::vector<PromptPart>& parts) const {
    check_usable();
    const NativeParts native(parts);
    const mtmd::input_chunks_ptr chunks(mtmd_input_chunks_init());
    LogCapture log;
    const int32_t status = call([&] {
        return mtmd_tokenize_from_parts(context_.get(), chunks.get(), native.data(), native.size(),
                                        false);
    });
    if (status != kStatusOk) {
        throw Error(ErrorKind::kMedia, "an image or a sound cannot be prepared for this model: " +
                                           log.take() + "\nPass another one.");
    }
    std::vector<PromptPiece> pieces;
    ChunkKeys keys(parts);
    for (size_t i = 0; i < mtmd_input_chunks_size(chunks.get()); ++i) {
        const mtmd_input_chunk* chunk = mtmd_input_chunks_get(chunks.get(), i);
        PromptPiece piece;
        if (mtmd_input_chunk_get_type(chunk) == MTMD_INPUT_CHUNK_TYPE_TEXT) {
            size_t count = 0;
            const llama_token* tokens = mtmd_input_chunk_get_tokens_text(chunk, &count);
            piece.tokens.assign(tokens, tokens + count);
        } else {
            auto media = std::make_shared<MediaChunk>();
            media->chunk.reset(mtmd_input_chunk_copy(chunk));
            media->key = keys.next(chunk, parts[number_of(chunk)].bitmap->is_frame);
            media->n_tokens = static_cast<int32_t>(mtmd_input_chunk_get_n_tokens(chunk));
            media->n_pos = mtmd_input_chunk_get_n_pos(chunk);
            piece.chunk = std::move(media);
        }
        pieces.push_back(std::move(piece));
    }
    return pieces;
}

bool ProjectorHandle::must_stop() {
    stopped_ = stopped_ || (asked_ != nullptr && asked_->must_stop());
    return stopped_;
}

// The scheduler asks before a node whether to stop after it, and then calls again. For devices
// without an abort callback, which the CPU has.
bool ProjectorHandle::on_node(ggml_tensor* node, bool ask, void* self) {
    auto* projector = static_cast<ProjectorHandle*>(self);
    if (projector->asked_ == nullptr) {
        return !ask;
    }
    if (ask) {
        projector->work_ += multiplications(node);
        return projector->work_ >= kWorkPerQuestion;
    }
    projector->work_ = 0;
    return !projector->must_stop();
}

std::vector<float> ProjectorHandle::encode(const MediaChunk& chunk, ContextHandle& context) {
    const BusyLock busy(busy_, "Projector");
    check_usable();
    context.ask_again();
    asked_ = &context;
    work_ = 0;
    stopped_ = false;
    LogCapture log;
    int32_t status = kStatusOk;
    try {
        status = call([&] { return mtmd_encode_chunk(context_.get(), chunk.chunk.get()); });
    } catch (...) {
        asked_ = nullptr;
        broken_ = true;
        throw;
    }
    asked_ = nullptr;
    if (stopped_) {
        log.take();
        context.fail_stopped("the encoding of an image or a sound");
    }
    if (status != kStatusOk) {
        throw Error(ErrorKind::kMedia,
                    "an image or a sound cannot be encoded: " + log.take() + kWrongProjector);
    }
    const float* rows = mtmd_get_output_embd(context_.get());
    return std::vector<float>(rows, rows + count_of_floats(chunk, *model_));
}

void ProjectorHandle::decode(const MediaChunk& chunk, std::vector<float> rows, llama_pos pos0,
                             llama_seq_id seq_id, ContextHandle& context) const {
    check_usable();
    if (context.model() != model_) {
        throw Error(ErrorKind::kContext, "this projector was loaded for another Model");
    }
    const size_t size = count_of_floats(chunk, *model_);
    if (rows.size() != size) {
        throw Error(ErrorKind::kContext, format("the embeddings of this chunk are %zu numbers, not "
                                                "%zu",
                                                size, rows.size()));
    }
    const auto n_batch = static_cast<int32_t>(llama_n_batch(context.get()));
    const auto n_ubatch = static_cast<int32_t>(llama_n_ubatch(context.get()));
    if (mtmd_decode_use_non_causal(context_.get(), chunk.chunk.get()) &&
        chunk.n_tokens > std::min(n_batch, n_ubatch)) {
        throw Error(ErrorKind::kContext,
                    format("an image takes %d tokens that this model has to evaluate at once, and "
                           "this context takes %d\nCreate it with n_batch and n_ubatch of at "
                           "least %d.",
                           chunk.n_tokens, std::min(n_batch, n_ubatch), chunk.n_tokens));
    }
    context.evaluate(chunk.n_tokens, pos0, seq_id, [&] {
        llama_pos end = pos0;
        return mtmd_helper_decode_image_chunk(context_.get(), context.get(), chunk.chunk.get(),
                                              rows.data(), pos0, seq_id, n_batch, &end, nullptr,
                                              nullptr);
    });
}

}  // namespace core
