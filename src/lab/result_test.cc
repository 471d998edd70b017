#include "lab/result.h"

#include <gtest/gtest.h>

namespace forebay::lab {
namespace {

/// Of Forebay: a promise about time, on a run whose load was late or not.
Experiment timed(bool kept, bool late) {
  Run run;
  run.late = late;
  Promise promise{.stack = "forebay", .scenario = "", .text = "", .figures = ""};
  promise.keep_in_time(kept, run);
  Experiment experiment;
  experiment.promises = {promise};
  return experiment;
}

TEST(LabResult, ALateLoadProvesNothingAgainstAPromiseAboutTime) {
  EXPECT_FALSE(timed(false, true).kept());
  EXPECT_FALSE(timed(false, true).broken());
  EXPECT_TRUE(timed(true, true).kept());
  EXPECT_FALSE(timed(true, true).promises[0].unclear);
}

TEST(LabResult, APromiseIsBrokenWhereTheLoadWasInTime) {
  EXPECT_FALSE(timed(false, false).kept());
  EXPECT_TRUE(timed(false, false).broken());
}

TEST(LabResult, WhatIsForetoldOfOthersBreaksNoPromise) {
  Experiment experiment = timed(false, false);
  experiment.promises[0].stack = "classic";
  EXPECT_TRUE(experiment.kept());
  EXPECT_FALSE(experiment.broken());
}

}  // namespace
}  // namespace forebay::lab
