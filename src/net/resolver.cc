#include "net/resolver.h"

#include <ares.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/text.h"
#include "net/timer.h"

namespace forebay::net {
namespace {

/// Names that are remembered; beyond it those that nobody waits for are forgotten.
constexpr std::size_t kNamesMax = 1 << 16;

Address to_address(const sockaddr* from, socklen_t length) {
  Address address;
  std::memcpy(&address.storage, from, length);
  address.length = length;
  return address;
}

void set_port(Address& address, std::uint16_t port) {
  if (address.storage.ss_family == AF_INET) {
    reinterpret_cast<sockaddr_in&>(address.storage).sin_port = htons(port);
  } else {
    reinterpret_cast<sockaddr_in6&>(address.storage).sin6_port = htons(port);
  }
}

std::optional<Address> parse_literal(const std::string& host) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) {
    return std::nullopt;
  }
  const Address address = to_address(found->ai_addr, found->ai_addrlen);
  ::freeaddrinfo(found);
  return address;
}

bool is_ip(const std::string& text) {
  std::array<char, sizeof(in6_addr)> bytes{};
  return ::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1 ||
         ::inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1;
}

bool is_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port != 0;
}

/// IP, IP:PORT or [IPv6]:PORT; c-ares is content with less.
bool is_server(const std::string& text) {
  if (is_ip(text)) {
    return true;
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || !is_port(text.substr(colon + 1))) {
    return false;
  }
  const std::string host = text.substr(0, colon);
  const bool brackets = host.starts_with('[') && host.ends_with(']');
  return brackets ? is_ip(host.substr(1, host.size() - 2)) : is_ip(host) && !host.contains(':');
}

std::string words(const std::string& name, int status) {
  switch (status) {
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
      return format("lookup {}: no such host", name);
    case ARES_ETIMEOUT:
      return format("lookup {}: no answer from the DNS servers", name);
    case ARES_ECONNREFUSED:  // also for SERVFAIL from all of them
    case ARES_ESERVFAIL:
    case ARES_EREFUSED:
      return format("lookup {}: the DNS servers are not there, or fail", name);
    default:
      return format("lookup {}: {}", name, ::ares_strerror(status));
  }
}

}  // namespace

/// A channel of c-ares, its sockets in the poller and its timeouts in a timer.
class Resolver::Dns {
 public:
  Dns(Resolver& resolver, Loop& loop) : resolver_(resolver), poller_(loop.poller()), timer_(loop) {}
  Dns(const Dns&) = delete;
  Dns& operator=(const Dns&) = delete;
  ~Dns() {
    if (channel_ != nullptr) {
      ::ares_destroy(channel_);
    }
  }

  Result<void> start(const std::vector<std::string>& servers);
  /// Resolver::answered() will be called, maybe from within this call.
  void query(const std::string& name);

 private:
  /// One of c-ares' sockets.
  struct Socket final : Polled {
    Socket(Dns& owner, int descriptor) : dns(owner), fd(descriptor) {}
    void ready(std::uint32_t events) override {
      const bool broken = (events & (EPOLLERR | EPOLLHUP)) != 0;
      const bool read = broken || (events & EPOLLIN) != 0;
      const bool write = broken || (events & EPOLLOUT) != 0;
      dns.process(read ? fd : ARES_SOCKET_BAD, write ? fd : ARES_SOCKET_BAD);
    }
    Dns& dns;
    int fd;
  };
  struct Query {
    Resolver& resolver;
    std::string name;
  };

  static void on_socket(void* self, ares_socket_t fd, int readable, int writable);
  static void on_answer(void* query, int status, int timeouts, ares_addrinfo* found);
  void process(ares_socket_t readable, ares_socket_t writable);
  void set_timer();

  Resolver& resolver_;
  Poller& poller_;
  Timer timer_;
  std::unordered_map<int, std::unique_ptr<Socket>> sockets_;
  ares_channel channel_ = nullptr;
};

Result<void> Resolver::Dns::start(const std::vector<std::string>& servers) {
  static const int library = ::ares_library_init(ARES_LIB_INIT_ALL);
  ares_options options{};
  options.sock_state_cb = on_socket;
  options.sock_state_cb_data = this;
  int status = library;
  if (status == ARES_SUCCESS) {
    status = ::ares_init_options(&channel_, &options, ARES_OPT_SOCK_STATE_CB);
  }
  if (status != ARES_SUCCESS) {
    return fail(format("cannot set up the resolver: {}", ::ares_strerror(status)));
  }
  std::string list;
  for (const std::string& server : servers) {
    if (!is_server(server)) {
      return fail(format("'{}' is no address of a DNS server: use IP or IP:PORT", server));
    }
    list.append(list.empty() ? "" : ",").append(server);
  }
  if (!list.empty()) {
    if (::ares_set_servers_ports_csv(channel_, list.c_str()) != ARES_SUCCESS) {
      return fail(format("'{}' is no list of DNS servers: use IP or IP:PORT", list));
    }
  }
  return {};
}

void Resolver::Dns::query(const std::string& name) {
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  ::ares_getaddrinfo(channel_, name.c_str(), nullptr, &hints, on_answer,
                     new Query{resolver_, name});
  set_timer();
}

void Resolver::Dns::on_answer(void* data, int status, int /*timeouts*/, ares_addrinfo* found) {
  const std::unique_ptr<Query> query(static_cast<Query*>(data));
  Addresses addresses;
  if (found != nullptr) {
    for (const ares_addrinfo_node* node = found->nodes; node != nullptr; node = node->ai_next) {
      addresses.push_back(to_address(node->ai_addr, node->ai_addrlen));
    }
    ::ares_freeaddrinfo(found);
  }
  if (status == ARES_EDESTRUCTION) {
    return;
  }
  if (addresses.empty()) {
    const int why = status == ARES_SUCCESS ? ARES_ENODATA : status;
    query->resolver.answered(query->name, fail(words(query->name, why)));
  } else {
    query->resolver.answered(query->name, std::move(addresses));
  }
}

/// From within c-ares: what it wants to know of a socket now; nothing: it closes it.
void Resolver::Dns::on_socket(void* self, ares_socket_t fd, int readable, int writable) {
  Dns& dns = *static_cast<Dns*>(self);
  const std::uint32_t events = (readable != 0 ? EPOLLIN : 0U) | (writable != 0 ? EPOLLOUT : 0U);
  std::unique_ptr<Socket>& socket = dns.sockets_[fd];
  if (socket != nullptr && events != 0) {
    dns.poller_.change(fd, events, *socket);
    return;
  }
  if (socket != nullptr) {
    dns.poller_.remove(fd, *socket);
  } else if (events != 0) {
    socket = std::make_unique<Socket>(dns, fd);
    // If there is no place, the query times out.
    if (dns.poller_.add(fd, events, *socket)) {
      return;
    }
  }
  dns.sockets_.erase(fd);
}

void Resolver::Dns::process(ares_socket_t readable, ares_socket_t writable) {
  ::ares_process_fd(channel_, readable, writable);
  set_timer();
}

void Resolver::Dns::set_timer() {
  timeval left{};
  if (::ares_timeout(channel_, nullptr, &left) == nullptr) {
    timer_.cancel();
    return;
  }
  // Not before its time: c-ares would do nothing.
  const Duration delay = std::chrono::seconds(left.tv_sec) +
                         std::chrono::microseconds(left.tv_usec) + std::chrono::milliseconds(1);
  timer_.after(delay, [this] { process(ARES_SOCKET_BAD, ARES_SOCKET_BAD); });
}

Result<std::unique_ptr<Resolver>> Resolver::make(Loop& loop, const ResolverOptions& options) {
  std::unique_ptr<Resolver> resolver(new Resolver(loop, options));
  if (Result<void> started = resolver->dns_->start(options.servers); !started) {
    return std::unexpected(std::move(started.error()));
  }
  return resolver;
}

Resolver::Resolver(Loop& loop, const ResolverOptions& options)
    : poller_(loop.poller()),
      keep_(options.keep),
      random_(options.seed),
      dns_(std::make_unique<Dns>(*this, loop)) {}

Resolver::~Resolver() = default;

bool Resolver::good(const Entry& entry) const {
  return !entry.found.empty() && (!keep_ || Clock::now() - entry.found_at < *keep_);
}

void Resolver::ask(Lookup& lookup) {
  if (entries_.size() >= kNamesMax) {
    std::erase_if(entries_, [](const auto& entry) { return !entry.second.asked; });
  }
  Entry& entry = entries_[lookup.host_];
  if (good(entry)) {
    lookup.answer(choose(entry.found));
    return;
  }
  entry.waiting.push_back(lookup);
  if (!std::exchange(entry.asked, true)) {
    dns_->query(lookup.host_);
  }
}

void Resolver::answered(const std::string& name, Result<Addresses> answer) {
  Entry& entry = entries_[name];
  entry.asked = false;
  while (Lookup* const lookup = entry.waiting.front()) {
    static_cast<Link<WaitingTag>&>(*lookup).unlink();
    lookup->answer(answer ? Result<Addresses>(choose(*answer)) : answer);
  }
  if (!answer) {
    entries_.erase(name);
    return;
  }
  entry.found = std::move(*answer);
  entry.found_at = Clock::now();
}

Resolver::Addresses Resolver::choose(const Addresses& all) {
  const auto family = [](const Address& address) { return address.storage.ss_family; };
  Addresses chosen;
  const auto choose_of = [&](auto is_wanted) {
    Addresses of_family;
    std::ranges::copy_if(all, std::back_inserter(of_family), is_wanted);
    if (!of_family.empty()) {
      chosen.push_back(of_family[random_() % of_family.size()]);
    }
  };
  const auto first = family(all.front());
  choose_of([&](const Address& address) { return family(address) == first; });
  choose_of([&](const Address& address) { return family(address) != first; });
  return chosen;
}

Resolver::Lookup::Lookup(Resolver& resolver, std::string_view host, std::uint16_t port, Done done)
    : resolver_(resolver), host_(host), port_(port), done_(std::move(done)) {
  if (host_.starts_with('[') && host_.ends_with(']')) {
    host_ = host_.substr(1, host_.size() - 2);
  }
  if (const std::optional<Address> literal = parse_literal(host_)) {
    answer(Addresses{*literal});
  } else {
    resolver_.ask(*this);
  }
}

/// Told later, in a turn of the loop.
void Resolver::Lookup::answer(Result<Addresses> answer) {
  answer_ = std::move(answer);
  if (answer_) {
    std::ranges::for_each(*answer_, [this](Address& address) { set_port(address, port_); });
  }
  resolver_.poller_.ask(*this);
}

void Resolver::Lookup::ready(std::uint32_t /*events*/) {
  Done done = std::move(done_);  // which may destroy this
  done(std::move(answer_));
}

}  // namespace forebay::net
