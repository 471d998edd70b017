#pragma once

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "http/transcript.h"

namespace forebay::http {

struct Outcome {
  std::string text;
  int status = 0;
  int heads = 0;
  int completed = 0;
};

/// Parses `input` whole, byte by byte, and cut in two at every place. All must come out the same.
inline Outcome parse(std::string_view input, const RequestLimits& limits = {}) {
  Transcript whole(limits);
  whole.feed(input);
  const Outcome outcome{whole.text(), whole.status(), whole.heads(), whole.completed()};

  Transcript bytes(limits);
  for (const char& byte : input)
    bytes.feed({&byte, 1});
  EXPECT_EQ(outcome.text, bytes.text()) << "byte by byte: " << testing::PrintToString(input);

  for (size_t cut = 0; cut <= input.size(); ++cut) {
    Transcript pieces(limits);
    pieces.feed(input.substr(0, cut));
    pieces.feed(input.substr(cut));
    EXPECT_EQ(outcome.text, pieces.text())
        << "cut at " << cut << ": " << testing::PrintToString(input);
    if (testing::Test::HasFailure()) break;
  }
  return outcome;
}

/// The status that `input` is refused with, before any head is seen; 0 if it is not.
inline int refused(std::string_view input, const RequestLimits& limits = {}) {
  const Outcome outcome = parse(input, limits);
  EXPECT_TRUE(outcome.status == 0 || outcome.heads == 0) << outcome.text;
  return outcome.status;
}

/// True if `input` is exactly one complete request.
inline bool accepted(std::string_view input, const RequestLimits& limits = {}) {
  const Outcome outcome = parse(input, limits);
  return outcome.completed == 1 && outcome.text.ends_with("complete\nidle\n");
}

}  // namespace forebay::http
