// Files of control vectors.
#ifndef NATIVE_CORE_CONTROL_VECTOR_H_
#define NATIVE_CORE_CONTROL_VECTOR_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace core {

// Returns the direction of each layer in the file, which all have the same length. Fails with
// ModelLoadError, which names the file and the tensor.
std::map<int32_t, std::vector<float>> read_control_vector(const std::string& path);

}  // namespace core

#endif  // NATIVE_CORE_CONTROL_VECTOR_H_
