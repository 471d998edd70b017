#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "channel/message.h"
#include "front/exchange.h"

namespace forebay::workers {

/// Bytes that the exchange's head takes in the channel.
[[nodiscard]] std::size_t head_bytes(const front::Exchange& exchange);
/// Writes it into exactly so many bytes.
void write_head(const front::Exchange& exchange, std::span<std::byte> out);

/// A response record's payload, taken apart. Views into it, and into `fields`.
struct ResponseParts {
  front::ResponseStart head;
  std::string_view body;
};
/// Nothing: the worker wrote what makes no sense.
[[nodiscard]] std::optional<ResponseParts> read_response(std::span<const std::byte> payload,
                                                         std::vector<http::Field>& fields);

}  // namespace forebay::workers
