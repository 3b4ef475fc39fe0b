// Two threads and one unprotected number: what ThreadSanitizer has to report.
#include <thread>

int main() {
    int number = 0;
    std::thread other([&] { ++number; });
    ++number;
    other.join();
    return 0;
}
