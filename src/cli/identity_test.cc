#include "cli/identity.h"

#include <unistd.h>

#include <filesystem>

#include <gtest/gtest.h>

namespace forebay::cli {
namespace {

std::string error_of(const std::string& user, const std::string& group) {
  const auto found = find_identity(user, group);
  return found ? "none" : found.error().message;
}

TEST(Identity, ThatWeHaveIsNone) {
  EXPECT_EQ(find_identity("", "").value(), std::nullopt);
  const std::string user = std::to_string(::geteuid());
  const std::string group = std::to_string(::getegid());
  EXPECT_EQ(find_identity(user, group).value(), std::nullopt);
}

TEST(Identity, IsRefusedIfNobodyHasIt) {
  for (const std::string none : {"nobody of that name", "-1", "4294967295", "1x"}) {
    EXPECT_NE(error_of(none, "0").find("there is no user"), std::string::npos) << none;
    EXPECT_NE(error_of("", none).find("there is no group"), std::string::npos) << none;
  }
  EXPECT_NE(error_of("4294967290", "").find("name its --group too"), std::string::npos);
}

TEST(Identity, IsForRootToChoose) {
  const auto found = find_identity("65534", "65533");
  if (::geteuid() != 0) {
    ASSERT_FALSE(found);
    EXPECT_NE(found.error().message.find("only root"), std::string::npos);
    return;
  }
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->user, 65534U);
  EXPECT_EQ((*found)->group, 65533U);
}

TEST(Identity, TakesItsUsersGroup) {
  if (::geteuid() != 0) {
    EXPECT_NE(error_of("nobody", "").find("only root"), std::string::npos);
    return;
  }
  const auto found = find_identity("nobody", "");
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->name, "nobody");
  EXPECT_NE((*found)->group, 0U);
}

TEST(Identity, LeavesDevicesAlone) {
  EXPECT_TRUE(give("/dev/null", {::geteuid(), ::getegid(), ""}));
  EXPECT_FALSE(give("/nothing/there", {::geteuid(), ::getegid(), ""}));
}

}  // namespace
}  // namespace forebay::cli
