#pragma once

#include <cstddef>

#include "base/check.h"

namespace forebay {

/// A place in a List. `Tag` tells the lists apart that one object can be in at the same time.
/// Leaves its list when it is destroyed.
template <typename Tag>
class Link {
 public:
  Link() = default;
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  ~Link() { unlink(); }

  [[nodiscard]] bool linked() const { return next_ != nullptr; }
  void unlink() {
    if (next_ != nullptr) {
      prev_->next_ = next_;
      next_->prev_ = prev_;
      prev_ = next_ = nullptr;
    }
  }

 private:
  template <typename, typename>
  friend class List;
  Link* prev_ = nullptr;
  Link* next_ = nullptr;
};

/// A doubly linked list of objects that it does not own. T derives from Link<Tag>. All operations
/// are O(1); an object leaves by its own unlink().
template <typename T, typename Tag>
class List {
 public:
  List() { end_.prev_ = end_.next_ = &end_; }
  List(const List&) = delete;
  List& operator=(const List&) = delete;
  ~List() {
    while (!empty()) {
      end_.next_->unlink();
    }
    end_.prev_ = end_.next_ = nullptr;
  }

  [[nodiscard]] bool empty() const { return end_.next_ == &end_; }
  [[nodiscard]] T* front() const { return empty() ? nullptr : static_cast<T*>(end_.next_); }
  [[nodiscard]] T* back() const { return empty() ? nullptr : static_cast<T*>(end_.prev_); }
  [[nodiscard]] T* next(T& item) const {
    Link<Tag>* after = static_cast<Link<Tag>&>(item).next_;
    return after == &end_ ? nullptr : static_cast<T*>(after);
  }
  [[nodiscard]] T* prev(T& item) const {
    Link<Tag>* before = static_cast<Link<Tag>&>(item).prev_;
    return before == &end_ ? nullptr : static_cast<T*>(before);
  }
  void push_back(T& item) { insert(item, *end_.prev_, end_); }
  void push_front(T& item) { insert(item, end_, *end_.next_); }
  void insert_before(T& place, T& item) {
    Link<Tag>& after = place;
    insert(item, *after.prev_, after);
  }
  /// Moves all of `other` to the end of this.
  void append(List& other) {
    if (other.empty()) {
      return;
    }
    other.end_.next_->prev_ = end_.prev_;
    end_.prev_->next_ = other.end_.next_;
    other.end_.prev_->next_ = &end_;
    end_.prev_ = other.end_.prev_;
    other.end_.prev_ = other.end_.next_ = &other.end_;
  }

 private:
  static void insert(Link<Tag>& link, Link<Tag>& before, Link<Tag>& after) {
    CHECK(!link.linked());
    link.prev_ = &before;
    link.next_ = &after;
    before.next_ = &link;
    after.prev_ = &link;
  }
  Link<Tag> end_;
};

}  // namespace forebay
