#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "front/budget.h"
#include "front/pace.h"
#include "front/settings.h"
#include "front/spool_file.h"
#include "net/event.h"
#include "net/stream.h"
#include "net/timeouts.h"

namespace forebay::front {

class Ticker;

/// What goes to a client, in order: written at once as far as the socket takes it, the rest kept in
/// memory, then in an unlinked file, and written when the client reads on.
///
///   memory_ | spill_ (bytes that did not fit) | file_ (a file of the application's)
///
/// SIGPIPE must be ignored, as sendfile(2) has no flag for it.
class Outbox final : private net::Timeout {
 public:
  /// `changed` is set when the outbox has drained or failed later, never from within a call.
  /// What goes to a file counts in `spool`.
  Outbox(net::Stream& stream, net::Event& changed, const Settings& settings, Ticker& ticker,
         Budget& spool)
      : stream_(stream),
        changed_(changed),
        settings_(settings),
        ticker_(ticker),
        spool_(spool),
        share_(spool),
        pace_(settings.write_rate_min, settings.write_timeout) {}

  void send(std::initializer_list<std::string_view> parts);
  /// Nothing may be sent after a file but another response's bytes once it has drained.
  void send_file(Fd file, std::uint64_t offset, std::uint64_t length);

  /// All is in the kernel's hands.
  [[nodiscard]] bool drained() const { return kept() == 0 && file_left_ == 0; }
  /// The client is gone, has not read for too long, or the spool failed.
  [[nodiscard]] bool failed() const { return failed_; }
  /// What was sent from the file still takes its place there, until all of it was.
  [[nodiscard]] bool has_room() const {
    return failed_ || !spill_ || (spill_->size() < settings_.spool_max && spool_.has_room(1));
  }

  /// The stream takes bytes again.
  void writable();

 private:
  [[nodiscard]] std::uint64_t kept() const {
    return memory_.size() - memory_sent_ + (spill_ ? spill_->size() - spill_sent_ : 0);
  }
  /// Bytes written of the parts; fewer than all when the socket is full or broken.
  std::size_t write_now(std::initializer_list<std::string_view> parts);
  void keep(std::string_view bytes);
  void flush();
  bool flush_memory();
  bool flush_spill();
  bool flush_file();
  /// One sendfile(2). False: blocked or failed.
  bool copy_from(int fd, std::uint64_t& offset, std::uint64_t left);
  void wait_writable();
  /// What the client has taken, in bytes since the connection began.
  [[nodiscard]] std::uint64_t taken() const;
  void fail();
  void timed_out() override;

  net::Stream& stream_;
  net::Event& changed_;
  const Settings& settings_;
  Ticker& ticker_;
  Budget& spool_;
  Budget::Share share_;  // of what is in spill_
  Pace pace_;
  std::uint64_t sent_ = 0;  // ever
  std::string memory_;
  std::size_t memory_sent_ = 0;
  std::optional<SpoolFile> spill_;
  std::uint64_t spill_sent_ = 0;
  Fd file_;
  std::uint64_t file_offset_ = 0;
  std::uint64_t file_left_ = 0;
  bool failed_ = false;
};

}  // namespace forebay::front
