#pragma once

namespace forebay::load {

/// 128 bits: the product of any two 64-bit numbers.
__extension__ typedef unsigned __int128 Wide;  // NOLINT(modernize-use-using): no other spelling

}  // namespace forebay::load
