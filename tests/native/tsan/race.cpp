// A race that ThreadSanitizer has to report: two threads and one unprotected number.
#include <thread>

int main() {
    int number = 0;
    std::thread other([&] { ++number; });
    ++number;
    other.join();
    return 0;
}
