#include "workers/tracebacks.h"

#include <unistd.h>

#include <string_view>

#include <gtest/gtest.h>

namespace forebay::workers {
namespace {

void write_at(const Tracebacks& tracebacks, std::size_t offset, std::string_view text) {
  ASSERT_EQ(::pwrite(tracebacks.fd(), text.data(), text.size(), static_cast<off_t>(offset)),
            static_cast<ssize_t>(text.size()));
}

TEST(Tracebacks, TakesOutWhatOnePartHas) {
  Tracebacks tracebacks = Tracebacks::create().value();
  write_at(tracebacks, 0, "Thread 1\n  File a\n\n");
  write_at(tracebacks, Tracebacks::kPartBytes, "Thread 2\n");
  EXPECT_EQ(tracebacks.take(0), "Thread 1\n  File a");
  EXPECT_EQ(tracebacks.take(0), "");
  EXPECT_EQ(tracebacks.take(1), "Thread 2");
  EXPECT_EQ(tracebacks.take(2), "");
}

TEST(Tracebacks, CutsWhatIsTooLong) {
  Tracebacks tracebacks = Tracebacks::create().value();
  write_at(tracebacks, 0, std::string(100'000, 'x'));
  EXPECT_EQ(tracebacks.take(0).size(), 65536U);
  EXPECT_EQ(tracebacks.take(0), "");
}

}  // namespace
}  // namespace forebay::workers
