#include "net/proxy_header.h"

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "base/corpus_test.h"
#include "net/proxy_header_check.h"

namespace forebay::net {
namespace {

using State = ProxyHeader::State;
using namespace std::string_literals;

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;

/// Version 2: command and family, then the rest with its length in front.
std::string binary(char command, char family, const std::string& rest) {
  return kSignature + command + family + static_cast<char>(rest.size() >> 8) +
         static_cast<char>(rest.size() & 0xff) + rest;
}
const std::string kAddresses4 = "\xc0\x00\x02\x07\xc0\x00\x02\x01\xdc\x04\x01\xbb"s;

State state_of(const std::string& bytes) { return check_proxy_header(bytes).state; }

TEST(ProxyHeader, Version1NamesTheClient) {
  const std::string header = "PROXY TCP4 192.0.2.7 192.0.2.1 56324 443\r\n";
  const ProxyHeader read = check_proxy_header(header + "GET / HTTP/1.1\r\n");
  EXPECT_EQ(read.state, State::kComplete);
  EXPECT_EQ(read.bytes, header.size());
  EXPECT_EQ(read.host, "192.0.2.7");
  EXPECT_EQ(read.port, 56324);
  EXPECT_EQ(check_proxy_header("PROXY TCP6 2001:DB8:0::7 ::1 1 0\r\n").host, "2001:db8::7");
  EXPECT_EQ(check_proxy_header("PROXY TCP6 ::ffff:192.0.2.7 ::1 1 0\r\n").host, "192.0.2.7");
}

TEST(ProxyHeader, Version2NamesTheClient) {
  const std::string header = binary('\x21', '\x11', kAddresses4 + "extensions");
  const ProxyHeader read = check_proxy_header(header + "GET / HTTP/1.1\r\n");
  EXPECT_EQ(read.state, State::kComplete);
  EXPECT_EQ(read.bytes, header.size());
  EXPECT_EQ(read.host, "192.0.2.7");
  EXPECT_EQ(read.port, 56324);
  const std::string v6 = "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\x07" +
                         std::string(16, '\0') + "\xdc\x04\x01\xbb";
  const ProxyHeader read6 = check_proxy_header(binary('\x21', '\x21', v6));
  EXPECT_EQ(read6.host, "2001:db8::7");
  EXPECT_EQ(read6.port, 56324);
}

TEST(ProxyHeader, MaySayNothingOfTheClient) {
  for (const std::string& header :
       {"PROXY UNKNOWN\r\n"s, "PROXY UNKNOWN ffff::1 what ever 1 2\r\n"s,
        binary('\x20', '\x00', ""), binary('\x20', '\x11', kAddresses4),
        binary('\x21', '\x00', "?"), binary('\x21', '\x31', std::string(216, 'u'))}) {
    const ProxyHeader read = check_proxy_header(header);
    EXPECT_EQ(read.state, State::kComplete) << header;
    EXPECT_EQ(read.bytes, header.size());
    EXPECT_EQ(read.host, "");
  }
}

TEST(ProxyHeader, IsRefusedAsSoonAsItCannotBeOne) {
  for (const std::string& bytes : {"GET / HTTP/1.1\r\n"s,
                                   "PROXX"s,
                                   "\r\n\r\nG"s,
                                   "PROXY \r\n"s,
                                   "PROXY TCP5 1.2.3.4\r\n"s,
                                   "PROXY TCP4 192.0.2.7 192.0.2.1 1\r\n"s,
                                   "PROXY TCP4 192.0.2.7 192.0.2.1 1 2 3\r\n"s,
                                   "PROXY TCP4  192.0.2.7 192.0.2.1 1 2\r\n"s,
                                   "PROXY TCP4 192.0.2 192.0.2.1 1 2\r\n"s,
                                   "PROXY TCP4 ::1 ::1 1 2\r\n"s,
                                   "PROXY TCP6 192.0.2.7 ::1 1 2\r\n"s,
                                   "PROXY TCP4 192.0.2.7 192.0.2.1 65536 2\r\n"s,
                                   "PROXY TCP4 192.0.2.7 192.0.2.1 -1 2\r\n"s,
                                   "PROXY TCP4 192.0.2.7 192.0.2.1 01 2\r\n"s,
                                   "PROXY TCP4 192.0.2.7\0 192.0.2.1 1 2\r\n"s,
                                   binary('\x11', '\x11', kAddresses4),
                                   binary('\x22', '\x11', kAddresses4),
                                   binary('\x21', '\x12', kAddresses4),
                                   binary('\x21', '\x41', kAddresses4),
                                   binary('\x21', '\x11', kAddresses4.substr(1)),
                                   binary('\x21', '\x21', kAddresses4)}) {
    EXPECT_EQ(state_of(bytes), State::kInvalid) << bytes;
  }
}

TEST(ProxyHeader, HasALimit) {
  const std::string longest1 = "PROXY UNKNOWN " + std::string(107 - 16, 'x') + "\r\n";
  ASSERT_EQ(longest1.size(), 107);
  EXPECT_EQ(state_of(longest1), State::kComplete);
  EXPECT_EQ(state_of("PROXY UNKNOWN " + std::string(107 - 15, 'x') + "\r\n"), State::kInvalid);
  const std::size_t room = kProxyHeaderMax - 16 - kAddresses4.size();
  EXPECT_EQ(state_of(binary('\x21', '\x11', kAddresses4 + std::string(room, 'x'))),
            State::kComplete);
  EXPECT_EQ(state_of(binary('\x21', '\x11', kAddresses4 + std::string(room + 1, 'x'))),
            State::kInvalid);
}

TEST(ProxyHeader, ReadsTheFuzzCorpus) {
  std::map<State, int> states;
  replay_corpus("proxy_header",
                [&](const std::string& input) { ++states[check_proxy_header(input).state]; });
  EXPECT_GE(states[State::kComplete], 5);
  EXPECT_GE(states[State::kInvalid], 5);
  EXPECT_GE(states[State::kIncomplete], 2);
}

}  // namespace
}  // namespace forebay::net
