// Files of sounds as samples.
#ifndef NATIVE_MEDIA_SOUND_H_
#define NATIVE_MEDIA_SOUND_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace core {

// Decodes a WAV, MP3 or FLAC file; several channels are mixed into one. Returns samples from -1 to
// 1, `sample_rate` per second. Fails with MediaError for other files, damaged ones, and sounds that
// are longer.
std::vector<float> decode_sound(const uint8_t* data, size_t size, uint32_t sample_rate,
                                double max_seconds);

}  // namespace core

#endif  // NATIVE_MEDIA_SOUND_H_
