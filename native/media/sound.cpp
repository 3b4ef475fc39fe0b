#include "native/media/sound.h"

#include <string>

#include "native/core/errors.h"
#include "native/core/interrupt.h"

// As mtmd-helper.cpp of llama.cpp has them, so that the samples are the same.
#define MA_NO_ENCODING
#define MA_NO_DEVICE_IO
#define MA_NO_RESOURCE_MANAGER
#define MA_NO_NODE_GRAPH
#define MA_NO_ENGINE
#define MA_NO_GENERATION
#define MA_API static
#define MINIAUDIO_IMPLEMENTATION
#include <miniaudio/miniaudio.h>

namespace core {
namespace {

// Frames that are decoded at once, so that a length in the file's header need not be believed.
constexpr size_t kBlock = 1 << 16;

class Decoder {
  public:
    Decoder(const uint8_t* data, size_t size, uint32_t sample_rate) {
        const ma_decoder_config config = ma_decoder_config_init(ma_format_f32, 1, sample_rate);
        const ma_result status = ma_decoder_init_memory(data, size, &config, &decoder_);
        if (status != MA_SUCCESS) {
            throw Error(ErrorKind::kMedia,
                        std::string("the sound is no WAV, MP3 or FLAC file, or is damaged (") +
                            ma_result_description(status) +
                            ")\nConvert it to WAV, or pass its samples as an array of float32.");
        }
    }
    ~Decoder() { ma_decoder_uninit(&decoder_); }
    Decoder(const Decoder&) = delete;
    Decoder& operator=(const Decoder&) = delete;

    size_t read(float* samples, size_t count) {
        ma_uint64 n_read = 0;
        ma_decoder_read_pcm_frames(&decoder_, samples, count, &n_read);
        return static_cast<size_t>(n_read);
    }

  private:
    ma_decoder decoder_;
};

}  // namespace

std::vector<float> decode_sound(const uint8_t* data, size_t size, uint32_t sample_rate,
                                double max_seconds) {
    Decoder decoder(data, size, sample_rate);
    const auto most = static_cast<size_t>(max_seconds * sample_rate);
    std::vector<float> samples;
    for (;;) {
        poll_interrupt();
        const size_t begin = samples.size();
        samples.resize(begin + kBlock);
        const size_t count = decoder.read(samples.data() + begin, kBlock);
        samples.resize(begin + count);
        if (samples.size() > most) {
            throw Error(ErrorKind::kMedia,
                        format("the sound is longer than the %g seconds that are allowed\n"
                               "Pass a shorter one.",
                               max_seconds));
        }
        if (count < kBlock) {
            break;
        }
    }
    if (samples.empty()) {
        throw Error(ErrorKind::kMedia, "the sound file has no samples\nPass another one.");
    }
    return samples;
}

}  // namespace core
