// llama.cpp's log, line by line. The binding brings the lines to Python.
#ifndef NATIVE_CORE_LOG_H_
#define NATIVE_CORE_LOG_H_

#include <string>
#include <utility>
#include <vector>

namespace core {

std::string join(const std::vector<std::string>& parts, const char* separator);

// The numbers are GGML_LOG_LEVEL_*.
enum class LogLevel { kNothing = 0, kDebug = 1, kInfo = 2, kWarning = 3, kError = 4 };

// Takes whole lines, on the thread that logs. Lines that it logs itself are dropped. It must not
// throw.
using LogSink = void (*)(LogLevel level, const std::string& line);

// Makes llama.cpp, ggml and llama-common log into the sink. Once, before anything that can log.
void open_log(LogSink sink);

// Waits until no thread is in the sink; afterwards none enters it any more.
void close_log();

// Sets the least level that is logged.
void set_log_level(LogLevel level);

// Withholds the ERROR lines that this thread logs while it lives, so that an exception can say why
// a call failed. Lines that nobody take()s go to the log after all.
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

// Drops the lines below ERROR that this thread logs while it lives.
class LogErrorsOnly {
  public:
    LogErrorsOnly();
    ~LogErrorsOnly();
    LogErrorsOnly(const LogErrorsOnly&) = delete;
    LogErrorsOnly& operator=(const LogErrorsOnly&) = delete;

  private:
    bool outer_;
};

}  // namespace core

#endif  // NATIVE_CORE_LOG_H_
