#pragma once

#include <array>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <new>
#include <optional>
#include <utility>

#include "base/check.h"

namespace forebay::net {

namespace detail {

/// Memory of coroutine frames. A request takes several of the same few sizes: they are kept for the
/// next one, per thread, instead of being given back.
class FramePool {
 public:
  static void* take(std::size_t bytes) {
    const std::size_t size_class = (bytes + kStep - 1) / kStep;
    if (size_class >= kClasses) {
      return ::operator new(bytes);
    }
    Free*& head = free_list(size_class);
    if (head == nullptr) {
      return ::operator new(size_class * kStep);
    }
    return std::exchange(head, head->next);
  }
  static void give(void* memory, std::size_t bytes) {
    const std::size_t size_class = (bytes + kStep - 1) / kStep;
    if (size_class >= kClasses) {
      return ::operator delete(memory);
    }
    Free*& head = free_list(size_class);
    head = new (memory) Free{head};
  }

 private:
  struct Free {
    Free* next;
  };
  static constexpr std::size_t kStep = 64;
#if __has_feature(address_sanitizer)
  static constexpr std::size_t kClasses = 1;  // so that a use after the end is seen
#else
  static constexpr std::size_t kClasses = 64;
#endif
  static Free*& free_list(std::size_t size_class) {
    static thread_local std::array<Free*, kClasses> lists{};
    return lists[size_class];
  }
};

struct PromiseBase {
  static void* operator new(std::size_t bytes) { return FramePool::take(bytes); }
  static void operator delete(void* memory, std::size_t bytes) { FramePool::give(memory, bytes); }

  struct ToAwaiter {
    static bool await_ready() noexcept { return false; }
    template <typename Promise>
    static std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> done) noexcept {
      return done.promise().awaiter;
    }
    static void await_resume() noexcept {}
  };

  static std::suspend_always initial_suspend() noexcept { return {}; }
  static ToAwaiter final_suspend() noexcept { return {}; }
  /// Errors are Results. What is thrown nevertheless (no memory) ends the process.
  [[noreturn]] static void unhandled_exception() { std::terminate(); }

  std::coroutine_handle<> awaiter;
};

template <typename T>
struct Promise : PromiseBase {
  auto get_return_object() { return std::coroutine_handle<Promise>::from_promise(*this); }
  void return_value(T result) { value = std::move(result); }
  T take() { return std::move(*value); }
  std::optional<T> value;
};

template <>
struct Promise<void> : PromiseBase {
  auto get_return_object() { return std::coroutine_handle<Promise>::from_promise(*this); }
  static void return_void() {}
  static void take() {}
};

}  // namespace detail

/// A coroutine: what reads as straight code while it waits for others. Starts when it is awaited
/// and goes on with its awaiter at its end, without growing the stack. One thread.
template <typename T>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;  // NOLINT(readability-identifier-naming)

  Task(std::coroutine_handle<promise_type> frame)
      : frame_(frame) {}  // NOLINT: made by the language
  Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  Task& operator=(Task&&) = delete;
  ~Task() {
    if (frame_) {
      frame_.destroy();
    }
  }

  [[nodiscard]] static bool await_ready() { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiter) {
    frame_.promise().awaiter = awaiter;
    return frame_;
  }
  T await_resume() { return frame_.promise().take(); }

 private:
  std::coroutine_handle<promise_type> frame_;
};

/// What spawn() leaves running.
struct Spawned {
  // NOLINTNEXTLINE(readability-identifier-naming): the language's name
  struct promise_type : detail::PromiseBase {
    static Spawned get_return_object() { return {}; }
    static std::suspend_never initial_suspend() noexcept { return {}; }
    static std::suspend_never final_suspend() noexcept { return {}; }
    static void return_void() {}
  };
};

/// Runs a task that nobody awaits: begins at once, and calls `done()` after its end.
template <typename Done>
Spawned spawn(Task<void> task, Done done) {
  co_await std::move(task);
  done();
}

}  // namespace forebay::net
