#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/list.h"
#include "base/result.h"
#include "net/address.h"
#include "net/loop.h"

namespace forebay::net {

struct ResolverOptions {
  /// DNS servers, `IP` or `IP:PORT`; empty: those of resolv.conf(5).
  std::vector<std::string> servers = {};
  /// For how long an answer is good: none is for ever, 0 is for those only who asked meanwhile. The
  /// records' own time to live is not looked at.
  std::optional<Duration> keep = std::nullopt;
  /// Of the choice among several addresses.
  std::uint64_t seed = 1;
};

/// Turns host names into addresses as the system does (hosts(5), then DNS, by c-ares), without
/// blocking, and remembers the answers. Those who ask for a name at the same time share one query;
/// failures are not remembered. One per loop.
class Resolver {
 public:
  /// One address of each family that the name has, chosen at random each time, the family to try
  /// first in front (RFC 6724).
  using Addresses = std::vector<Address>;
  /// Errors: "lookup NAME: no such host", or why nobody knows.
  using Done = std::move_only_function<void(Result<Addresses>)>;

  class Lookup;  // NOLINT(cppcoreguidelines-virtual-class-destructor): it is final, see below

  /// Errors: a server that is no address.
  static Result<std::unique_ptr<Resolver>> make(Loop& loop, const ResolverOptions& options);
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  ~Resolver();

 private:
  class Dns;
  struct WaitingTag {};
  /// What is known of a name, and who waits to know it.
  struct Entry {
    Addresses found;  // port 0; empty: not known
    TimePoint found_at;
    bool asked = false;  // a query is under way
    List<Lookup, WaitingTag> waiting;
  };

  Resolver(Loop& loop, const ResolverOptions& options);
  void ask(Lookup& lookup);
  void answered(const std::string& name, Result<Addresses> answer);
  [[nodiscard]] bool good(const Entry& entry) const;
  Addresses choose(const Addresses& all);

  Poller& poller_;
  std::optional<Duration> keep_;
  std::minstd_rand random_;
  std::unique_ptr<Dns> dns_;
  std::unordered_map<std::string, Entry> entries_;
};

/// One question. `done` is called once, from within the loop, never from within the constructor,
/// and may destroy the Lookup; destroying it earlier cancels. An address needs no query; IPv6 with
/// or without brackets. There is no time limit beyond that of resolv.conf(5): who loses patience
/// destroys it.
class Resolver::Lookup final : private Polled, private Link<Resolver::WaitingTag> {
 public:
  /// The resolver outlives it.
  Lookup(Resolver& resolver, std::string_view host, std::uint16_t port, Done done);
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;

 private:
  friend class Resolver;
  friend class List<Lookup, WaitingTag>;
  void ready(std::uint32_t events) override;
  void answer(Result<Addresses> answer);

  Resolver& resolver_;
  std::string host_;
  std::uint16_t port_;
  Done done_;
  Result<Addresses> answer_;
};

}  // namespace forebay::net
