#include "doctor/status_page.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <array>
#include <charconv>
#include <string_view>

#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/text.h"
#include "doctor/file_tree.h"

namespace forebay::doctor {
namespace {

constexpr std::chrono::seconds kPatience{1};
constexpr std::size_t kPageMax = std::size_t{1} << 20;

struct Place {
  sockaddr_storage address{};
  socklen_t length = 0;
};

std::optional<Place> unix_place(const std::string& path) {
  Place place;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    return std::nullopt;
  }
  path.copy(static_cast<char*>(address.sun_path), path.size());
  place.length = sizeof(address);
  std::memcpy(&place.address, &address, sizeof(address));
  return place;
}

std::optional<Place> tcp_place(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return std::nullopt;
  }
  std::uint16_t port = 0;
  const std::string_view digits = text.substr(colon + 1);
  std::from_chars(digits.data(), digits.data() + digits.size(), port);
  std::string host(text.substr(0, colon));
  Place place;
  if (host.starts_with('[') && host.ends_with(']')) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    host = host.substr(1, host.size() - 2);
    place.length =
        ::inet_pton(AF_INET6, host.c_str(), &address.sin6_addr) == 1 ? sizeof(address) : 0;
    std::memcpy(&place.address, &address, sizeof(address));
  } else {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    host = host == "localhost" ? "127.0.0.1" : host;
    place.length = ::inet_pton(AF_INET, host.c_str(), &address.sin_addr) == 1 ? sizeof(address) : 0;
    std::memcpy(&place.address, &address, sizeof(address));
  }
  return place.length > 0 ? std::optional(place) : std::nullopt;
}

std::optional<Place> find_place(int pid, const std::string& admin) {
  constexpr std::string_view kUnix = "unix:";
  if (!admin.starts_with(kUnix)) {
    return tcp_place(admin);
  }
  const std::string path = admin.substr(kUnix.size());
  const std::string start = path.starts_with('/') ? "root" : "cwd/";
  return unix_place(format("/proc/{}/{}{}", pid, start, path));
}

Result<std::string> ask(const Place& place, std::string_view path) {
  const std::string question = format("GET {} HTTP/1.0\r\nHost: admin\r\n\r\n", path);
  const Fd socket(::socket(place.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval patience{.tv_sec = kPatience.count(), .tv_usec = 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&place.address), place.length) !=
          0 ||
      ::send(socket.get(), question.data(), question.size(), MSG_NOSIGNAL) < 0) {
    return fail_errno("ask its admin socket");
  }
  std::string page;
  const TimePoint deadline = Clock::now() + kPatience;
  std::array<char, 16384> block;
  while (page.size() < kPageMax && Clock::now() < deadline) {
    const ssize_t bytes = ::recv(socket.get(), block.data(), block.size(), 0);
    if (bytes < 0) {
      return fail_errno("read from its admin socket");
    }
    if (bytes == 0) {
      return page;
    }
    page.append(block.data(), static_cast<std::size_t>(bytes));
  }
  return fail("its admin socket does not come to an end");
}

template <typename T>
T number(const Json& page, const char* group, const char* name) {
  const auto place = page.find(group);
  if (place == page.end() || !place->is_object()) {
    return 0;
  }
  const auto value = place->find(name);
  return value != place->end() && value->is_number() ? value->get<T>() : T{0};
}

}  // namespace

Result<ForebayStatus> parse_forebay_status(std::string_view json) {
  const Json page = Json::parse(json, nullptr, false);
  if (!page.is_object() || !page.contains("forebay") || !page.contains("queue")) {
    return fail("its admin socket does not answer as Forebay does");
  }
  ForebayStatus status;
  status.waiting = number<std::uint64_t>(page, "queue", "requests");
  status.predicted_wait_seconds = number<double>(page, "queue", "predicted_wait_seconds");
  status.max_wait_seconds = number<double>(page, "queue", "max_wait_seconds");
  status.oldest_age_seconds = number<double>(page, "queue", "oldest_age_seconds");
  status.servers = number<std::uint64_t>(page, "servers", "total");
  status.busy = number<std::uint64_t>(page, "servers", "busy");
  status.refused_full = number<std::uint64_t>(page, "requests", "queue_full");
  for (const char* reason : {"queue_full", "queue_timeout", "predicted_wait", "no_room"}) {
    status.refused += number<std::uint64_t>(page, "requests", reason);
  }
  if (page.contains("requests") && page["requests"].is_object()) {
    for (const Json& count : page["requests"]) {
      status.requests += count.is_number() ? count.get<std::uint64_t>() : 0;
    }
  }
  return status;
}

Result<std::string> read_admin_page(int pid, const std::string& admin, std::string_view path) {
  const auto place = find_place(pid, admin);
  if (!place) {
    return fail(format("'{}' is no address to ask", admin));
  }
  auto page = ask(*place, path);
  if (page) {
    const std::size_t head = page->find("\r\n\r\n");
    page->erase(0, head == std::string::npos ? head : head + 4);
  }
  return page;
}

Result<ForebayStatus> read_forebay_status(int pid, const std::string& admin) {
  const auto page = read_admin_page(pid, admin, "/status.json");
  return page ? parse_forebay_status(*page) : std::unexpected(page.error());
}

}  // namespace forebay::doctor
