#include "doctor/report.h"

#include <gtest/gtest.h>

namespace forebay::doctor {
namespace {

TEST(Printable, KeepsTextAndReplacesWhatMovesTheCursor) {
  EXPECT_EQ(printable("/run/\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\x8e~"),
            "/run/\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\x8e~");
  EXPECT_EQ(printable("a\x1b[2J\n\x7f"), "a?[2J??");
  EXPECT_EQ(printable("\xc2\x9b"
                      "2J\xc2\x80\xc2\xa0"),
            "??2J??\xc2\xa0");
}

TEST(Printable, ReplacesWhatIsNoUtf8) {
  EXPECT_EQ(printable("\x9b\xff\xc0\x9b\xf5\x80\x80\x80"), "????????");
  EXPECT_EQ(printable("\xe2\x82"), "??");
  EXPECT_EQ(printable("\xe2z\x82"), "?z?");
}

TEST(Unseen, IsNotEndless) {
  Host host;
  host.unseen.assign(1000, "a line");
  const std::string text = unseen_text(host);
  EXPECT_TRUE(text.starts_with("Not seen: a line\n"));
  EXPECT_TRUE(text.ends_with(" and 980 more: --json\n"));
}

}  // namespace
}  // namespace forebay::doctor
