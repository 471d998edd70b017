#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/json.h"
#include "base/result.h"

/// Experiments on this machine, whose settings they do not touch.
namespace forebay::lab {

/// A sentence about how it goes.
using Tell = std::function<void(std::string_view)>;

struct SandboxOptions {
  bool here = false;       // no namespaces of its own, as inside a container
  unsigned somaxconn = 0;  // net.core.somaxconn inside; 0: the kernel's default. Not with `here`
};

/// Something that runs in a process of its own, in new network, process and mount namespaces, and
/// in a new user namespace where we may not make the others (namespaces(7)). Its loopback is up,
/// its work directory lies in a tmpfs that only it has. When its first process ends, the kernel
/// ends all the others and all of it is gone: also when we are killed. One thread.
class Sandbox {
 public:
  /// What to do in there. `directory` is empty and gone afterwards.
  using Body = std::function<Result<Json>(const std::string& directory, const Tell& tell)>;

  /// Errors: the system permits no namespaces; what to do about it.
  static Result<Sandbox> start(const SandboxOptions& options, const Body& body);
  Sandbox(Sandbox&& other) noexcept;
  Sandbox& operator=(Sandbox&&) = delete;
  /// Ends whatever runs in there.
  ~Sandbox();

  /// Readable when it has said something, or has ended.
  [[nodiscard]] int fd() const { return pipe_.get(); }
  /// What the body returned; nothing while it runs. Gives what it told meanwhile to `tell`.
  std::optional<Result<Json>> read(const Tell& tell);

 private:
  Sandbox(pid_t pid, Fd pipe, std::string directory)
      : pid_(pid), pipe_(std::move(pipe)), directory_(std::move(directory)) {}
  void end();

  pid_t pid_;
  Fd pipe_;
  std::string directory_;  // with `here`
  std::string unread_;
};

}  // namespace forebay::lab
