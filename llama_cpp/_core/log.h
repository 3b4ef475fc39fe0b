// llama.cpp's log, brought to Python line by line.
#ifndef LLAMA_CPP_CORE_LOG_H_
#define LLAMA_CPP_CORE_LOG_H_

#include <string>
#include <utility>
#include <vector>

namespace core {

std::string join(const std::vector<std::string>& parts, const char* separator);

// Withholds the ERROR lines that this thread logs while it lives, so that an exception can say why
// a call failed. What nobody take()s goes to the log after all.
class LogCapture {
  public:
    LogCapture();
    ~LogCapture();
    LogCapture(const LogCapture&) = delete;
    LogCapture& operator=(const LogCapture&) = delete;

    void add(std::string line) { lines_.push_back(std::move(line)); }

    // The lines, without the "function: " that llama.cpp puts in front.
    std::vector<std::string> take_lines();

    // The same, joined by "; ".
    std::string take();

  private:
    LogCapture* outer_;
    std::vector<std::string> lines_;
};

}  // namespace core

#endif  // LLAMA_CPP_CORE_LOG_H_
