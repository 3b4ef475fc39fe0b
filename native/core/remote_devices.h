// Devices of other machines: llama.cpp's RPC backend, which is opened on first use.
//
// It is not registered with ggml: there its devices would be those of every model that names none.
#ifndef NATIVE_CORE_REMOTE_DEVICES_H_
#define NATIVE_CORE_REMOTE_DEVICES_H_

#include <string>
#include <vector>

#include "ggml-backend.h"

namespace core {

// Opens the library with the RPC backend. Later calls do nothing. Fails with BackendError.
void open_rpc_backend(const std::string& path);

// Returns the devices of servers, each "host:port", in their order. Each is asked for them. Fails
// with RemoteServerError, and with BackendError before open_rpc_backend().
std::vector<ggml_backend_dev_t> remote_devices(const std::vector<std::string>& servers);

// Returns the devices of a model that names none: as llama.cpp chooses them, the remote ones first.
std::vector<ggml_backend_dev_t> with_local_devices(std::vector<ggml_backend_dev_t> remote);

// Serves devices, one client at a time, until the process ends. Returns only on failure; the reason
// is on standard error.
//
// endpoint: "address:port", an IPv4 address of this machine.
// cache: directory for large tensors, empty for none.
// n_threads: of devices that are CPUs.
void serve_devices(const std::string& endpoint, const std::string& cache, size_t n_threads,
                   std::vector<ggml_backend_dev_t> devices);

}  // namespace core

#endif  // NATIVE_CORE_REMOTE_DEVICES_H_
