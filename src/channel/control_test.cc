#include "channel/control.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace forebay::channel {
namespace {

std::size_t open_fds() {
  const std::filesystem::directory_iterator fds("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(fds), end(fds)));
}

/// The device and inode of an open file: two fds of one file agree.
std::pair<dev_t, ino_t> file_of(int fd) {
  struct stat info{};
  EXPECT_EQ(::fstat(fd, &info), 0);
  return {info.st_dev, info.st_ino};
}

class Control : public testing::Test {
 protected:
  Control() {
    std::array<int, 2> pair{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.data()), 0);
    front_.reset(pair[0]);
    worker_.reset(pair[1]);
    EXPECT_EQ(::fcntl(front_.get(), F_SETFL, O_NONBLOCK), 0);
  }

  Result<std::optional<ControlMessage>> receive() { return receive_control(front_.get(), buffer_); }

  /// Bytes and fds that send_control() would never send.
  void send_raw(std::string_view bytes, std::initializer_list<int> fds) const {
    iovec part{const_cast<char*>(bytes.data()), bytes.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    std::vector<char> control(CMSG_SPACE(fds.size() * sizeof(int)));
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
    std::memcpy(CMSG_DATA(rights), std::data(fds), fds.size() * sizeof(int));
    ASSERT_EQ(::sendmsg(worker_.get(), &message, 0), static_cast<ssize_t>(bytes.size()));
  }

  Fd front_;
  Fd worker_;
  Fd file_{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  std::vector<char> buffer_ = std::vector<char>(kControlTextMax);
};

TEST_F(Control, CarriesHeaderAndText) {
  const ControlHeader header{ControlKind::kLog, 30, {3, 4}};
  ASSERT_TRUE(send_control(worker_.get(), header, "a line"));
  const auto received = receive();
  ASSERT_TRUE(received && *received);
  EXPECT_EQ((*received)->header.kind, ControlKind::kLog);
  EXPECT_EQ((*received)->header.value, 30U);
  EXPECT_EQ((*received)->header.ticket, (Ticket{3, 4}));
  EXPECT_EQ((*received)->text, "a line");
  EXPECT_FALSE((*received)->fd);
}

TEST_F(Control, CarriesAFile) {
  ASSERT_TRUE(send_control(worker_.get(), {ControlKind::kFile, 0, {}}, {}, file_.get()));
  const auto received = receive();
  ASSERT_TRUE(received && *received && (*received)->fd);
  EXPECT_EQ((*received)->text, "");
  EXPECT_EQ(file_of((*received)->fd.get()), file_of(file_.get()));
  EXPECT_EQ(::fcntl((*received)->fd.get(), F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(::fcntl(file_.get(), F_GETFD), FD_CLOEXEC);  // the sender's own stays open
}

TEST_F(Control, KeepsMessagesApartAndInOrder) {
  for (std::uint32_t i = 0; i < 5; ++i) {
    ASSERT_TRUE(send_control(worker_.get(), {ControlKind::kLog, i, {}}, std::string(i, 'x')));
  }
  for (std::uint32_t i = 0; i < 5; ++i) {
    const auto received = receive();
    ASSERT_TRUE(received && *received);
    EXPECT_EQ((*received)->header.value, i);
    EXPECT_EQ((*received)->text.size(), i);
  }
}

TEST_F(Control, SaysWhenThereIsNothing) {
  const auto received = receive();
  ASSERT_TRUE(received);
  EXPECT_FALSE(*received);
}

TEST_F(Control, CutsALongText) {
  const std::string text(kControlTextMax + 1, 'x');
  ASSERT_TRUE(send_control(worker_.get(), {ControlKind::kLog, 20, {}}, text));
  const auto received = receive();
  ASSERT_TRUE(received && *received);
  EXPECT_EQ((*received)->text, text.substr(0, kControlTextMax));
}

TEST_F(Control, CutsATextToTheReceiversBuffer) {
  buffer_.resize(4);
  ASSERT_TRUE(send_control(worker_.get(), {ControlKind::kLog, 20, {}}, "a long line"));
  ASSERT_TRUE(send_control(worker_.get(), {ControlKind::kLog, 20, {}}, "next"));
  EXPECT_EQ((*receive())->text, "a lo");
  EXPECT_EQ((*receive())->text, "next");
}

TEST_F(Control, ReportsThatThePeerIsGoneAfterItsLastMessage) {
  ASSERT_TRUE(send_control(worker_.get(), {ControlKind::kReady, 0, {}}));
  worker_.reset();
  const auto last = receive();
  ASSERT_TRUE(last && *last);
  const auto gone = receive();
  ASSERT_FALSE(gone);
  EXPECT_NE(gone.error().message.find("gone"), std::string::npos);
}

TEST_F(Control, HearsTheLastWordOfAPeerThatDiedWithoutReading) {
  ASSERT_TRUE(send_control(front_.get(), {ControlKind::kBody, 0, {}}));  // never read: a reset
  ASSERT_TRUE(send_control(worker_.get(), {ControlKind::kLog, 20, {}}, "last word"));
  worker_.reset();
  const auto last = receive();
  ASSERT_TRUE(last && *last);
  EXPECT_EQ((*last)->text, "last word");
  EXPECT_FALSE(receive());
}

TEST_F(Control, ReportsASendToAPeerThatIsGoneAndRaisesNoSignal) {
  front_.reset();
  const auto sent = send_control(worker_.get(), {ControlKind::kReady, 0, {}}, "x", file_.get());
  ASSERT_FALSE(sent);
  EXPECT_NE(sent.error().message.find("cannot send a control message"), std::string::npos);
}

TEST_F(Control, RefusesAMessageShorterThanItsHeaderAndClosesWhatCameWithIt) {
  const std::size_t before = open_fds();
  send_raw("short", {file_.get()});
  const auto received = receive();
  ASSERT_FALSE(received);
  EXPECT_EQ(received.error().message, "not a control message");
  EXPECT_EQ(open_fds(), before);
}

TEST_F(Control, ClosesAFileThatNobodyTook) {
  const std::size_t before = open_fds();
  ASSERT_TRUE(send_control(worker_.get(), {ControlKind::kFile, 0, {}}, "x", file_.get()));
  (void)receive();
  EXPECT_EQ(open_fds(), before);
}

TEST_F(Control, ClosesFilesThatTheMessageHasNoUseFor) {
  const std::size_t before = open_fds();
  const std::string bytes(sizeof(ControlHeader), '\1');
  send_raw(bytes, {file_.get(), worker_.get()});
  send_raw(bytes, {file_.get(), worker_.get(), file_.get(), worker_.get(), file_.get()});
  for (int i = 0; i < 2; ++i) {
    const auto received = receive();
    ASSERT_TRUE(received && *received && (*received)->fd);
    EXPECT_EQ(open_fds(), before + 1) << "one file is the caller's, the others are closed";
    EXPECT_EQ(file_of((*received)->fd.get()), file_of(file_.get())) << "the first is kept";
  }
  EXPECT_EQ(open_fds(), before);
}

}  // namespace
}  // namespace forebay::channel
