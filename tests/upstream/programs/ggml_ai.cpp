// For test-arg-parser, which asks http://ggml.ai/ for two pages: the name resolves to a server of
// this process. It answers with the word that the test looks for, or with 404.
#include <cpp-httplib/httplib.h>
#include <dlfcn.h>
#include <netdb.h>

#include <string>
#include <thread>

namespace {

class Server {
  public:
    Server() {
        server_.Get("/", [](const httplib::Request&, httplib::Response& response) {
            response.set_content("llama.cpp", "text/html");
        });
        port_ = std::to_string(server_.bind_to_any_port("127.0.0.1"));
        thread_ = std::thread([this] { server_.listen_after_bind(); });
        server_.wait_until_ready();
    }
    ~Server() {
        server_.stop();
        thread_.join();
    }
    const char* port() const { return port_.c_str(); }

  private:
    httplib::Server server_;
    std::string port_;
    std::thread thread_;
};

}  // namespace

extern "C" int getaddrinfo(const char* node, const char* service, const addrinfo* hints,
                           addrinfo** result) {
    static const auto real =
        reinterpret_cast<decltype(&getaddrinfo)>(dlsym(RTLD_NEXT, "getaddrinfo"));
    if (node == nullptr || std::string(node) != "ggml.ai") {
        return real(node, service, hints, result);
    }
    static const Server server;
    return real("127.0.0.1", server.port(), hints, result);
}
