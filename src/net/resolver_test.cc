#include "net/resolver.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/timer.h"
#include "net/watch.h"

namespace forebay::net {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::size_t kHeaderBytes = 12;
constexpr int kTypeA = 1;
constexpr int kTypeAaaa = 28;

/// A DNS server on a UDP port of the loopback interface (RFC 1035), in the loop of the test.
class DnsServer {
 public:
  explicit DnsServer(Loop& loop)
      : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    const Address any = parse_address("127.0.0.1:0", 0).value();
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&any.storage), any.length),
              0);
    watch_.emplace(loop, socket_.get(), [this] { answer(); });
  }

  [[nodiscard]] std::string address() const { return local_address(socket_.get()).text(); }

  std::map<std::string, std::vector<std::string>> names;  // others do not exist
  std::map<std::string, int> queries;                     // for addresses of version 4
  int failure = 0;                                        // an RCODE for everything
  bool silent = false;

 private:
  void answer() {
    std::string query(512, '\0');
    sockaddr_in from{};
    socklen_t length = sizeof(from);
    const ssize_t bytes = ::recvfrom(socket_.get(), query.data(), query.size(), 0,
                                     reinterpret_cast<sockaddr*>(&from), &length);
    ASSERT_GT(bytes, ssize_t(kHeaderBytes));
    query.resize(static_cast<std::size_t>(bytes));
    const std::string reply = make_reply(query);
    if (!silent) {
      ::sendto(socket_.get(), reply.data(), reply.size(), 0,
               reinterpret_cast<const sockaddr*>(&from), length);
    }
  }

  std::string make_reply(const std::string& query) {
    std::string name;
    std::size_t at = kHeaderBytes;
    while (query.at(at) != 0) {
      const auto size = static_cast<std::size_t>(query.at(at));
      name += (name.empty() ? "" : ".") + query.substr(at + 1, size);
      at += size + 1;
    }
    const int type = query.at(at + 2);
    queries[name] += type == kTypeA;
    const auto known = names.find(name);
    int rcode = failure;
    if (rcode == 0 && known == names.end()) {
      rcode = 3;  // no such name
    }
    std::string answers;
    char count = 0;
    if (rcode == 0) {
      for (const std::string& address : known->second) {
        const std::string record = make_record(type, address);
        answers += record;
        count = static_cast<char>(count + (record.empty() ? 0 : 1));
      }
    }
    std::string reply = query.substr(0, at + 5);
    reply[2] = '\x81';
    reply[3] = static_cast<char>(0x80 | rcode);
    reply[7] = count;
    return reply + answers;
  }

  static std::string make_record(int type, const std::string& address) {
    const bool v6 = address.contains(':');
    if (v6 != (type == kTypeAaaa)) {
      return {};
    }
    std::array<char, 16> bytes{};
    EXPECT_EQ(::inet_pton(v6 ? AF_INET6 : AF_INET, address.c_str(), bytes.data()), 1);
    const std::string data(bytes.data(), v6 ? 16 : 4);
    return std::string("\xc0\x0c\0", 3) + char(type) + std::string("\0\1\0\0\0\x3c\0", 7) +
           char(data.size()) + data;
  }

  Fd socket_;
  std::optional<Watch> watch_;
};

class ResolverTest : public testing::Test {
 protected:
  ResolverTest() : server_(loop_), watchdog_(loop_) {}

  void use(ResolverOptions options = {}) {
    options.servers = {server_.address()};
    resolver_ = Resolver::make(loop_, options).value();
  }
  /// Runs the loop until this is so.
  template <typename Condition>
  void run_until(Condition condition) {
    bool late = false;
    watchdog_.after(std::chrono::seconds(60), [&] { late = true; });
    while (!condition() && !late) {
      loop_.poller().poll(std::chrono::milliseconds(5));
      loop_.timers().expire(Clock::now());
    }
    EXPECT_FALSE(late);
  }
  Result<Resolver::Addresses> lookup(std::string_view host, std::uint16_t port = 80) {
    std::optional<Result<Resolver::Addresses>> answer;
    const Resolver::Lookup question(*resolver_, host, port, [&](Result<Resolver::Addresses> found) {
      answer = std::move(found);
    });
    EXPECT_FALSE(answer.has_value()) << "told from within the constructor";
    run_until([&] { return answer.has_value(); });
    return *answer;
  }
  /// As text, or the error.
  std::vector<std::string> texts(std::string_view host, std::uint16_t port = 80) {
    const Result<Resolver::Addresses> answer = lookup(host, port);
    if (!answer) {
      return {answer.error().message};
    }
    std::vector<std::string> all;
    for (const Address& address : *answer) {
      all.push_back(address.text());
    }
    return all;
  }

  Loop loop_;
  DnsServer server_;
  Timer watchdog_;
  std::unique_ptr<Resolver> resolver_;
};

TEST_F(ResolverTest, AsksTheServersItWasGiven) {
  use();
  server_.names["one.test"] = {"192.0.2.1"};
  EXPECT_THAT(texts("one.test", 8080), ElementsAre("192.0.2.1:8080"));
}

TEST_F(ResolverTest, LiteralsAskNobody) {
  use();
  EXPECT_THAT(texts("192.0.2.9"), ElementsAre("192.0.2.9:80"));
  EXPECT_THAT(texts("2001:db8::1"), ElementsAre("[2001:db8::1]:80"));
  EXPECT_THAT(texts("[2001:db8::1]", 443), ElementsAre("[2001:db8::1]:443"));
  EXPECT_TRUE(server_.queries.empty());
}

TEST_F(ResolverTest, ReadsTheHostsFileFirst) {
  use();
  server_.names["localhost"] = {"192.0.2.1"};
  const Result<Resolver::Addresses> answer = lookup("localhost");
  ASSERT_TRUE(answer.has_value());
  EXPECT_TRUE(answer->front().loopback());
  EXPECT_TRUE(server_.queries.empty());
}

TEST_F(ResolverTest, GivesOneAddressOfEachFamily) {
  use();
  server_.names["both.test"] = {"192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"};
  const Result<Resolver::Addresses> answer = lookup("both.test");
  ASSERT_TRUE(answer.has_value());
  ASSERT_EQ(answer->size(), 2U);
  EXPECT_NE(answer->front().storage.ss_family, answer->back().storage.ss_family);
}

TEST_F(ResolverTest, ChoosesAmongManyAsTheSeedSays) {
  server_.names["many.test"] = {"192.0.2.1", "192.0.2.2", "192.0.2.3"};
  const auto choices = [&](std::uint64_t seed) {
    use({.seed = seed});
    std::vector<std::string> all;
    for (int i = 0; i < 50; ++i) {
      all.push_back(texts("many.test").front());
    }
    return all;
  };
  const std::vector<std::string> some = choices(7);
  EXPECT_EQ(std::set(some.begin(), some.end()).size(), 3U);
  EXPECT_EQ(choices(7), some);
  EXPECT_NE(choices(8), some);
}

TEST_F(ResolverTest, RemembersForEver) {
  use();
  server_.names["kept.test"] = {"192.0.2.1"};
  texts("kept.test");
  server_.names["kept.test"] = {"192.0.2.2"};
  EXPECT_THAT(texts("kept.test", 1), ElementsAre("192.0.2.1:1"));
  EXPECT_EQ(server_.queries["kept.test"], 1);
}

TEST_F(ResolverTest, AsksEachTimeIfNothingIsKept) {
  use({.keep = Duration{0}});
  server_.names["fresh.test"] = {"192.0.2.1"};
  texts("fresh.test");
  server_.names["fresh.test"] = {"192.0.2.2"};
  EXPECT_THAT(texts("fresh.test"), ElementsAre("192.0.2.2:80"));
  EXPECT_EQ(server_.queries["fresh.test"], 2);
}

TEST_F(ResolverTest, AsksAgainWhenAnAnswerIsTooOld) {
  use({.keep = std::chrono::milliseconds(100)});
  server_.names["old.test"] = {"192.0.2.1"};
  texts("old.test");
  server_.names["old.test"] = {"192.0.2.2"};
  bool renewed = false;
  run_until([&] { return renewed = renewed || texts("old.test").front() == "192.0.2.2:80"; });
}

TEST_F(ResolverTest, ThoseWhoAskAtTheSameTimeShareAQuery) {
  use({.keep = Duration{0}});
  server_.names["shared.test"] = {"192.0.2.1"};
  std::vector<std::unique_ptr<Resolver::Lookup>> lookups;
  int told = 0;
  for (std::uint16_t port = 1; port <= 3; ++port) {
    lookups.push_back(std::make_unique<Resolver::Lookup>(
        *resolver_, "shared.test", port, [&, port](const Result<Resolver::Addresses>& answer) {
          ASSERT_TRUE(answer.has_value());
          EXPECT_EQ(answer->front().port(), port);
          ++told;
        }));
  }
  lookups[1].reset();  // who leaves is not told
  run_until([&] { return told == 2; });
  EXPECT_EQ(server_.queries["shared.test"], 1);
}

TEST_F(ResolverTest, ANameThatDoesNotExistIsAnErrorAndAskedForAgain) {
  use();
  EXPECT_THAT(texts("gone.test"), ElementsAre("lookup gone.test: no such host"));
  server_.names["gone.test"] = {"192.0.2.1"};
  EXPECT_THAT(texts("gone.test"), ElementsAre("192.0.2.1:80"));
}

TEST_F(ResolverTest, ANameWithoutAddressesIsAnError) {
  use();
  server_.names["empty.test"] = {};
  EXPECT_THAT(texts("empty.test"), ElementsAre("lookup empty.test: no such host"));
}

TEST_F(ResolverTest, ANameThatIsNoneIsAnError) {
  use();
  EXPECT_THAT(texts(std::string(300, 'x')), ElementsAre(HasSubstr("lookup xxx")));
  EXPECT_THAT(texts("a..b"), ElementsAre(HasSubstr("lookup a..b")));
  EXPECT_THAT(texts(""), ElementsAre(HasSubstr("lookup ")));
}

TEST_F(ResolverTest, SaysThatTheServersFail) {
  use();
  server_.failure = 2;
  EXPECT_THAT(texts("any.test"), ElementsAre(HasSubstr("the DNS servers are not there, or fail")));
}

TEST_F(ResolverTest, MayEndWhileItAsks) {
  use();
  server_.silent = true;
  auto question = std::make_unique<Resolver::Lookup>(
      *resolver_, "slow.test", 80,
      [](const Result<Resolver::Addresses>& /*answer*/) { ADD_FAILURE() << "told"; });
  run_until([&] { return server_.queries["slow.test"] > 0; });
  question.reset();
  resolver_.reset();
  EXPECT_EQ(loop_.timers().next().has_value(), true) << "the watchdog of the test";
}

TEST_F(ResolverTest, MayBeDestroyedInTheCall) {
  use();
  bool told = false;
  std::unique_ptr<Resolver::Lookup> question;
  question = std::make_unique<Resolver::Lookup>(*resolver_, "127.0.0.1", 80,
                                                [&](const Result<Resolver::Addresses>& answer) {
                                                  EXPECT_TRUE(answer.has_value());
                                                  question.reset();
                                                  told = true;
                                                });
  run_until([&] { return told; });
}

TEST(Resolver, RefusesServersThatAreNoAddresses) {
  Loop loop;
  EXPECT_THAT(Resolver::make(loop, {.servers = {"dns.example"}}).error().message,
              HasSubstr("'dns.example' is no address"));
  for (const std::string bad : {"", "1.2.3.4.5", "127.0.0.1:0", "127.0.0.1:x", "127.0.0.1:65536",
                                "[127.0.0.1", "::1:", "1.1.1.1,2.2.2.2"}) {
    EXPECT_FALSE(Resolver::make(loop, {.servers = {"127.0.0.1:53", bad}}).has_value()) << bad;
  }
  EXPECT_TRUE(Resolver::make(loop, {.servers = {"127.0.0.1", "[::1]:5353"}}).has_value());
}

}  // namespace
}  // namespace forebay::net
