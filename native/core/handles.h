// Owners of llama.cpp's objects. Python objects hold them through Closable. A model's contexts,
// samplers and adapters share its ownership, so that close() never frees it under them.
#ifndef NATIVE_CORE_HANDLES_H_
#define NATIVE_CORE_HANDLES_H_

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "llama-cpp.h"
#include "llama.h"
#include "native/core/errors.h"

namespace core {

// A shared pointer that can be closed from any thread. A running call has a share of its own, so
// that the object is freed when the call ends.
template <typename T>
class Closable {
  public:
    explicit Closable(const char* name) : name_(name) {}

    void open(std::shared_ptr<T> object) {
        std::lock_guard<std::mutex> lock(mutex_);
        object_ = std::move(object);
    }

    std::shared_ptr<T> get() const {
        std::lock_guard<std::mutex> lock(mutex_);
        if (object_ == nullptr) {
            throw Error(ErrorKind::kClosed,
                        format("this %s is closed; create a new one to go on", name_));
        }
        return object_;
    }

    bool closed() const {
        std::lock_guard<std::mutex> lock(mutex_);
        return object_ == nullptr;
    }

    // Gives up this share. The caller drops the result where the time of freeing does not matter.
    std::shared_ptr<T> close() {
        std::lock_guard<std::mutex> lock(mutex_);
        return std::exchange(object_, nullptr);
    }

  private:
    const char* name_;
    mutable std::mutex mutex_;
    std::shared_ptr<T> object_;
};

// Marks an object as in use and fails at once, without waiting, when it already is.
class BusyLock {
  public:
    BusyLock(std::atomic<bool>& flag, const char* name) : flag_(flag) {
        if (flag_.exchange(true, std::memory_order_acquire)) {
            throw Error(ErrorKind::kBusy,
                        format("this %s is in use by another thread; use one %s per thread or a "
                               "lock around the calls",
                               name, name));
        }
    }
    ~BusyLock() { flag_.store(false, std::memory_order_release); }
    BusyLock(const BusyLock&) = delete;
    BusyLock& operator=(const BusyLock&) = delete;

  private:
    std::atomic<bool>& flag_;
};

// A loaded model. Everything in it is constant after loading, except its list of adapters.
class ModelHandle {
  public:
    ModelHandle(llama_model_ptr model, bool has_weights, int32_t n_positions);
    ModelHandle(const ModelHandle&) = delete;
    ModelHandle& operator=(const ModelHandle&) = delete;

    llama_model* get() const { return model_.get(); }
    const llama_vocab* vocab() const { return vocab_; }
    int32_t n_vocab() const { return n_vocab_; }
    bool has_weights() const { return has_weights_; }     // false: loaded with vocab_only
    int32_t n_positions() const { return n_positions_; }  // INT32_MAX unless they are learned

    // Fails with `kind` unless the vocabulary has the id.
    void check_token(llama_token token, ErrorKind kind) const;
    void check_tokens(const std::vector<llama_token>& tokens, ErrorKind kind) const;

    // Fails with TokenizeError if the file has no vocabulary.
    void check_has_vocab() const;

    // Guards the model's list of adapters, which loading and freeing one changes. Recursive: Python
    // code that runs while one is loaded (a signal handler, a log sink) may free another.
    std::recursive_mutex& adapter_mutex() { return adapter_mutex_; }

  private:
    llama_model_ptr model_;
    const llama_vocab* vocab_;
    int32_t n_vocab_;
    bool has_weights_;
    int32_t n_positions_;
    std::recursive_mutex adapter_mutex_;
};

// A LoRA adapter together with the model that it changes.
class AdapterHandle {
  public:
    AdapterHandle(std::shared_ptr<ModelHandle> model, llama_adapter_lora* adapter)
        : model_(std::move(model)), adapter_(adapter) {}
    ~AdapterHandle();
    AdapterHandle(const AdapterHandle&) = delete;
    AdapterHandle& operator=(const AdapterHandle&) = delete;

    llama_adapter_lora* get() const { return adapter_; }
    const std::shared_ptr<ModelHandle>& model() const { return model_; }

  private:
    std::shared_ptr<ModelHandle> model_;
    llama_adapter_lora* adapter_;
};

}  // namespace core

#endif  // NATIVE_CORE_HANDLES_H_
