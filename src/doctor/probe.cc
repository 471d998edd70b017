#include "doctor/probe.h"

#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <map>
#include <memory>
#include <string_view>
#include <thread>

#include "base/fd.h"
#include "base/text.h"
#include "doctor/report.h"

namespace forebay::doctor {
namespace {

constexpr std::array<std::size_t, 4> kSteps{1, 2, 4, 8};
constexpr int kRounds = 2;  // of each step
constexpr std::chrono::milliseconds kPause{250};
constexpr std::chrono::seconds kAnswerMax{10};
constexpr std::chrono::seconds kAllMax{30};
constexpr std::chrono::milliseconds kNoise{20};  // of times that are compared
constexpr std::size_t kAnswerBytesMax = std::size_t{64} << 20;
constexpr std::string_view kNothing = "it closed without an answer";

template <auto free>
struct FreeWith {
  template <typename T>
  void operator()(T* list) const {
    free(list);
  }
};
using Addresses = std::unique_ptr<addrinfo, FreeWith<::freeaddrinfo>>;
using Interfaces = std::unique_ptr<ifaddrs, FreeWith<::freeifaddrs>>;

/// The bytes of an IP address, without its port; empty: of another family.
std::string_view host_bytes(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    const auto& host = reinterpret_cast<const sockaddr_in&>(address).sin_addr;
    return {reinterpret_cast<const char*>(&host), sizeof(host)};
  }
  if (address.sa_family == AF_INET6) {
    const auto& host = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
    return {reinterpret_cast<const char*>(&host), sizeof(host)};
  }
  return {};
}

/// A loopback address, or one of this machine's interfaces has it.
bool is_own(const sockaddr& address, const Interfaces& interfaces) {
  constexpr char kLoopback = 127;
  const std::string_view host = host_bytes(address);
  if (address.sa_family == AF_INET && host.front() == kLoopback) {
    return true;
  }
  for (const ifaddrs* each = interfaces.get(); each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr != nullptr && !host.empty() && host_bytes(*each->ifa_addr) == host) {
      return true;
    }
  }
  return false;
}

bool all_own(const Addresses& addresses) {
  ifaddrs* list = nullptr;
  const Interfaces interfaces(::getifaddrs(&list) == 0 ? list : nullptr);
  for (const addrinfo* each = addresses.get(); each != nullptr; each = each->ai_next) {
    if (!is_own(*each->ai_addr, interfaces)) {
      return false;
    }
  }
  return true;
}

/// connect(), send() and recv() fail with EAGAIN at `end`.
void set_deadline(const Fd& socket, TimePoint end) {
  const auto left =
      std::max(std::chrono::duration_cast<std::chrono::microseconds>(end - Clock::now()),
               std::chrono::microseconds{1});  // 0 would mean: never
  const timeval patience{.tv_sec = left.count() / 1'000'000, .tv_usec = left.count() % 1'000'000};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

/// In the order of getaddrinfo(), as browsers do it. Errors: of the last one.
Result<Fd> connect_to(const Addresses& addresses, TimePoint end) {
  int code = ENOENT;
  for (const addrinfo* each = addresses.get(); each != nullptr; each = each->ai_next) {
    Fd socket(::socket(each->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    set_deadline(socket, end);
    if (::connect(socket.get(), each->ai_addr, each->ai_addrlen) == 0) {
      return socket;
    }
    code = errno == EINPROGRESS ? ETIMEDOUT : errno;  // connect(2): SO_SNDTIMEO was over
  }
  return fail(std::strerror(code));
}

/// "HTTP/1.1 200 OK": 200, also after interim answers such as 103; anything else: 0.
int status_of(std::string_view start) {
  constexpr std::size_t kAt = 9;
  while (start.starts_with("HTTP/1.1 1")) {
    const std::size_t end = start.find("\r\n\r\n");
    start.remove_prefix(end == std::string_view::npos ? start.size() : end + 4);
  }
  int status = 0;
  if (start.starts_with("HTTP/1.") && start.size() >= kAt + 3) {
    std::from_chars(start.data() + kAt, start.data() + kAt + 3, status);
  }
  return status;
}

/// Reads until the server closes. The status; errors: there is none, or it did not end in time.
Result<int> read_answer(const Fd& socket, TimePoint end) {
  constexpr std::size_t kStartMax = 16384;  // interim answers, and "HTTP/1.1 200"
  std::string start;
  std::array<char, 16384> block;  // NOLINT: not initialized
  for (std::size_t all = 0; all < kAnswerBytesMax;) {
    set_deadline(socket, end);
    const ssize_t bytes = Clock::now() < end ? ::recv(socket.get(), block.data(), block.size(), 0)
                                             : (errno = EAGAIN, -1);
    if (bytes < 0) {
      return errno == EAGAIN ? fail("not in time") : fail(std::strerror(errno));
    }
    if (bytes == 0) {
      break;
    }
    all += static_cast<std::size_t>(bytes);
    start.append(block.data(), std::min(static_cast<std::size_t>(bytes), kStartMax));
    start.resize(std::min(start.size(), kStartMax));
  }
  const int status = status_of(start);
  return status > 0 ? Result<int>(status)
                    : fail(start.empty() ? std::string(kNothing) : "its answer is no HTTP/1");
}

ProbeAnswer ask(const Addresses& addresses, const std::string& question) {
  const TimePoint start = Clock::now();
  const TimePoint end = start + kAnswerMax;
  ProbeAnswer answer;
  const auto socket = connect_to(addresses, end);
  if (!socket) {
    answer.error = socket.error().message;
  } else if (::send(socket->get(), question.data(), question.size(), MSG_NOSIGNAL) < 0) {
    answer.error = std::strerror(errno);
  } else if (const auto status = read_answer(*socket, end)) {
    answer.status = *status;
  } else {
    answer.error = status.error().message;
  }
  answer.time = Clock::now() - start;
  return answer;
}

void ask_at_once(const Addresses& addresses, const std::string& question, ProbeStep& step) {
  const std::size_t before = step.answers.size();
  step.answers.resize(before + step.parallel);
  std::vector<std::jthread> clients;
  for (std::size_t i = before; i < step.answers.size(); ++i) {
    clients.emplace_back([&, i] { step.answers[i] = ask(addresses, question); });
  }
}

bool answered(const ProbeStep& step) {
  return std::ranges::none_of(step.answers, [](const ProbeAnswer& a) { return a.status == 0; });
}

Duration median(const ProbeStep& step) {
  std::vector<ProbeAnswer> answers = step.answers;
  const auto middle = answers.begin() + static_cast<std::ptrdiff_t>(answers.size() / 2);
  std::ranges::nth_element(answers, middle, {}, &ProbeAnswer::time);
  return middle->time;
}

Duration slowest(const ProbeStep& step) {
  return std::ranges::max(step.answers, {}, &ProbeAnswer::time).time;
}

/// "7 x 200, 1 x Connection refused".
std::string counts_text(const ProbeStep& step) {
  std::map<std::string, int> counts;
  for (const ProbeAnswer& answer : step.answers) {
    ++counts[answer.status > 0 ? format("{}", answer.status) : answer.error];
  }
  std::string text;
  for (const auto& [what, count] : counts) {
    text += format("{}{} x {}", text.empty() ? "" : ", ", count, printable(what));
  }
  return text;
}

/// What can be said of answers that all came and are no errors of the server.
std::string capacity_text(const std::vector<ProbeStep>& steps) {
  const Duration alone = median(steps.front());
  std::size_t together = 1;
  for (const ProbeStep& step : steps) {
    together = slowest(step) < alone + alone / 2 + kNoise ? step.parallel : together;
  }
  return together == kSteps.back()
             ? format("At least {} run at once without slowing each other down.\n", together)
             : format("About {} at once; with more, requests wait for each other.\n", together);
}

}  // namespace

Result<std::vector<ProbeStep>> probe(const ProbeTarget& target, bool anywhere) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int code =
      ::getaddrinfo(target.host.c_str(), format("{}", target.port).c_str(), &hints, &list);
  if (code != 0) {
    return fail(format("cannot find the address of {}: {}", target.host, ::gai_strerror(code)));
  }
  const Addresses addresses(list);
  if (!anywhere && !all_own(addresses)) {
    return fail(
        format("{} is not this machine: if you may send it 30 requests, add --yes", target.host));
  }
  const std::string question = format(
      "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: forebay-doctor\r\nConnection: close\r\n\r\n",
      target.target, target.authority);
  const TimePoint end = Clock::now() + kAllMax;
  std::vector<ProbeStep> steps;
  for (const std::size_t parallel : kSteps) {
    for (int round = 0; round < kRounds; ++round) {
      if (Clock::now() > end || (!steps.empty() && !answered(steps.back()))) {
        return steps;
      }
      if (round == 0) {
        steps.push_back({parallel, {}});
      }
      ask_at_once(addresses, question, steps.back());
      std::this_thread::sleep_for(kPause);
    }
  }
  return steps;
}

bool healthy(const std::vector<ProbeStep>& steps) {
  constexpr int kServerErrors = 500;
  return std::ranges::all_of(steps, [](const ProbeStep& step) {
    return answered(step) && std::ranges::all_of(step.answers, [](const ProbeAnswer& answer) {
             return answer.status < kServerErrors;
           });
  });
}

std::string probe_text(const std::vector<ProbeStep>& steps) {
  std::string text = "  at once    median   slowest  answers\n";
  for (const ProbeStep& step : steps) {
    text += format("  {:>7} {:>7.3f} s {:>7.3f} s  {}\n", step.parallel, to_seconds(median(step)),
                   to_seconds(slowest(step)), counts_text(step));
  }
  if (!answered(steps.back())) {
    return text +
           "A request was not answered, so no more were sent. `forebay doctor` looks at "
           "the queues.\n";
  }
  return text + (healthy(steps) ? capacity_text(steps)
                                : "The server answers with errors: `forebay doctor explain 502`, "
                                  "`explain 504`.\n");
}

}  // namespace forebay::doctor
