// Projectors: the models of libmtmd that make embeddings for a text model out of images and sounds.
#ifndef NATIVE_MEDIA_PROJECTOR_H_
#define NATIVE_MEDIA_PROJECTOR_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "mtmd.h"
#include "native/core/context_handle.h"
#include "native/core/handles.h"

namespace core {

struct ProjectorParams {
    bool use_gpu = true;  // the first device of the text model
    int32_t n_threads = 1;
    // Bounds of the tokens of an image whose size decides on them; -1: as the file says.
    int32_t image_min_tokens = -1;
    int32_t image_max_tokens = -1;
};

// The contents of an image or a sound.
struct Bitmap {
    int32_t width = 0;  // 0: a sound
    int32_t height = 0;
    std::vector<uint8_t> rgb;
    std::vector<float> samples;  // at the projector's sample_rate()
    bool is_frame = false;       // of a video: some models join it with the next one
    std::string key;             // equal for equal contents alone
};

// A run of embeddings in a prompt: an image, a slice of one, or a part of a sound.
struct MediaChunk {
    mtmd::input_chunk_ptr chunk;
    std::string key;  // equal for equal embeddings at the same place of a prompt alone
    int32_t n_tokens = 0;
    llama_pos n_pos = 0;  // positions that they take; fewer than n_tokens with M-RoPE
};

// A part of a prompt as it is written: text, or an image or a sound.
struct PromptPart {
    std::string text;
    std::shared_ptr<const Bitmap> bitmap;
};

// A part of a prompt as it is evaluated: tokens, or a chunk.
struct PromptPiece {
    std::vector<llama_token> tokens;
    std::shared_ptr<MediaChunk> chunk;
};

class ProjectorHandle {
  public:
    // Loads a projector file for a text model. Fails with ModelLoadError.
    ProjectorHandle(std::shared_ptr<ModelHandle> model, const std::string& path,
                    const ProjectorParams& params);
    ~ProjectorHandle();
    ProjectorHandle(const ProjectorHandle&) = delete;
    ProjectorHandle& operator=(const ProjectorHandle&) = delete;

    const std::shared_ptr<ModelHandle>& model() const { return model_; }
    bool reads_images() const { return mtmd_support_vision(context_.get()); }
    bool reads_sounds() const { return mtmd_support_audio(context_.get()); }
    int32_t sample_rate() const { return mtmd_get_audio_sample_rate(context_.get()); }

    // Returns the tokens of the texts, which may name control tokens, with the tokens that this
    // model has around images and sounds, and the chunks of those. Any number of threads may call
    // it. Fails with MediaError.
    std::vector<PromptPiece> tokenize(const std::vector<PromptPart>& parts) const;

    // Returns the embeddings of a chunk, n_tokens rows of the model's input width. One thread at a
    // time. The context says when to stop.
    std::vector<float> encode(const MediaChunk& chunk, ContextHandle& context);

    // Evaluates a chunk's embeddings at `pos0` of a sequence.
    void decode(const MediaChunk& chunk, std::vector<float> rows, llama_pos pos0,
                llama_seq_id seq_id, ContextHandle& context) const;

  private:
    bool must_stop();
    static bool on_node(ggml_tensor* node, bool ask, void* self);
    void check_usable() const;

    std::shared_ptr<ModelHandle> model_;
    mtmd::context_ptr context_;
    std::atomic<bool> busy_{false};
    std::atomic<bool> broken_{false};

    // While encode() runs.
    ContextHandle* asked_ = nullptr;
    int64_t work_ = 0;
    bool stopped_ = false;
};

}  // namespace core

#endif  // NATIVE_MEDIA_PROJECTOR_H_
