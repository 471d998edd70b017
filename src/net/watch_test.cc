#include "net/watch.h"

#include <unistd.h>

#include <array>
#include <optional>

#include <gtest/gtest.h>

#include "base/fd.h"

namespace forebay::net {
namespace {

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe(ends.data()), 0);
    out.reset(ends[0]);
    in.reset(ends[1]);
  }
  void write() const { EXPECT_EQ(::write(in.get(), "x", 1), 1); }
  Fd out;
  Fd in;
};

TEST(Watch, TellsThatSomethingCanBeRead) {
  Loop loop;
  const Pipe pipe;
  int calls = 0;
  const Watch watch(loop, pipe.out.get(), [&] {
    char byte = 0;
    EXPECT_EQ(::read(pipe.out.get(), &byte, 1), 1);
    ++calls;
    calls == 2 ? loop.stop() : pipe.write();
  });
  pipe.write();
  loop.run();
  EXPECT_EQ(calls, 2);
}

TEST(Watch, IsNotWokenByNewsOfADescriptorThatWasReleased) {
  Loop loop;
  const Pipe first;
  const Pipe released;
  const Pipe silent;
  std::optional<Watch> victim;
  std::optional<Watch> watch;
  int false_calls = 0;
  std::optional<Watch> trigger;
  trigger.emplace(loop, first.out.get(), [&] {
    trigger.reset();
    victim.reset();
    watch.emplace(loop, silent.out.get(), [&] { ++false_calls; });
    loop.post([&] { loop.post([&] { loop.stop(); }); });
  });
  victim.emplace(loop, released.out.get(), [] {});
  first.write();
  released.write();  // both are told in one turn
  loop.run();
  EXPECT_EQ(false_calls, 0);
}

}  // namespace
}  // namespace forebay::net
