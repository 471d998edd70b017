#include "base/hdr_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace forebay {
namespace {

constexpr unsigned kRowBits = 10;
static_assert(HdrHistogram::kBucketsPerRow == std::size_t{1} << kRowBits);

struct Place {
  std::size_t row;
  std::size_t bucket;
};

Place place(Duration value) {
  const auto ns =
      static_cast<std::uint64_t>(std::clamp(value, Duration{0}, HdrHistogram::kMax).count());
  if (ns < HdrHistogram::kBucketsPerRow) {
    return {0, ns};
  }
  const auto shift = static_cast<unsigned>(std::bit_width(ns)) - kRowBits - 1;
  return {shift + 1, (ns >> shift) - HdrHistogram::kBucketsPerRow};
}

std::int64_t width(std::size_t row) { return row == 0 ? 1 : std::int64_t{1} << (row - 1); }

std::int64_t lowest(std::size_t row, std::size_t bucket) {
  const std::size_t steps = row == 0 ? bucket : HdrHistogram::kBucketsPerRow + bucket;
  return static_cast<std::int64_t>(steps) * width(row);
}

}  // namespace

void HdrHistogram::record(Duration value) {
  const auto [row, bucket] = place(value);
  if (!rows_[row]) {
    rows_[row] = std::make_unique<Row>();
  }
  ++(*rows_[row])[bucket];
  ++row_counts_[row];
  ++count_;
}

void HdrHistogram::merge(const HdrHistogram& other) {
  for (std::size_t row = 0; row < kRows; ++row) {
    if (!other.rows_[row]) {
      continue;
    }
    if (!rows_[row]) {
      rows_[row] = std::make_unique<Row>();
    }
    for (std::size_t bucket = 0; bucket < kBucketsPerRow; ++bucket) {
      (*rows_[row])[bucket] += (*other.rows_[row])[bucket];
    }
    row_counts_[row] += other.row_counts_[row];
  }
  count_ += other.count_;
}

Duration HdrHistogram::at_rank(double rank) const {
  if (count_ == 0) {
    return Duration{0};
  }
  const double place = std::clamp(rank, 1.0, static_cast<double>(count_));
  const double below = std::floor(place);
  const auto first = static_cast<std::uint64_t>(below);
  const double low = middle_at(first);
  const double high = middle_at(std::min(first + 1, count_));
  return Duration(std::llround(low + (place - below) * (high - low)));
}

double HdrHistogram::middle_at(std::uint64_t rank) const {
  std::uint64_t before = 0;
  for (std::size_t row = 0; row < kRows; ++row) {
    if (before + row_counts_[row] < rank) {
      before += row_counts_[row];
      continue;
    }
    for (std::size_t bucket = 0; bucket < kBucketsPerRow; ++bucket) {
      before += (*rows_[row])[bucket];
      if (before >= rank) {
        return static_cast<double>(lowest(row, bucket)) + static_cast<double>(width(row) - 1) / 2;
      }
    }
  }
  return static_cast<double>(kMax.count());
}

void HdrHistogram::for_each(
    const std::function<void(Duration, Duration, std::uint64_t)>& each) const {
  for (std::size_t row = 0; row < kRows; ++row) {
    for (std::size_t bucket = 0; rows_[row] && bucket < kBucketsPerRow; ++bucket) {
      if ((*rows_[row])[bucket] != 0) {
        each(Duration(lowest(row, bucket)), Duration(width(row)), (*rows_[row])[bucket]);
      }
    }
  }
}

}  // namespace forebay
