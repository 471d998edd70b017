#include "load/gob_wire.h"

#include <array>
#include <bit>
#include <utility>

namespace forebay::load {
namespace {

constexpr std::uint64_t kOneByteMax = 0x7f;

/// Fields of the structs that describe types, in the order of Go's source.
enum WireType : std::size_t {
  kArrayT,
  kSliceT,
  kStructT,
  kMapT,
  kGobEncoderT,
  kBinaryMarshalerT,
  kTextMarshalerT,
  kWireTypeFields
};

/// struct {Name string; Id int}: a type's own, and a field's.
GobType::Field take_name_and_id(GobCursor& cursor) {
  GobType::Field named;
  std::size_t field = GobCursor::kBeforeFirst;
  while (cursor.next_field(field, 2)) {
    if (field == 0) {
      named.name = cursor.bytes();
    } else {
      named.type = cursor.sint();
    }
  }
  return named;
}

std::vector<GobType::Field> take_fields(GobCursor& cursor) {
  std::vector<GobType::Field> fields;
  const std::uint64_t count = cursor.uint();
  for (std::uint64_t i = 0; i < count && cursor.ok(); ++i) {
    fields.push_back(take_name_and_id(cursor));
  }
  return fields;
}

/// What follows the name in the struct that describes a type.
void take_detail(std::size_t field, GobType& type, GobCursor& cursor) {
  using Kind = GobType::Kind;
  if (field == 1 && type.kind == Kind::kStruct) {
    type.fields = take_fields(cursor);
  } else if (field == 1 && type.kind == Kind::kMap) {
    type.key = cursor.sint();
  } else if (field == (type.kind == Kind::kMap ? 2 : 1)) {
    type.element = cursor.sint();
  } else {
    cursor.sint();  // the length of an array, which each value says again
  }
}

GobType take_type(WireType wire, GobCursor& cursor) {
  constexpr std::size_t kFieldsMax = 3;
  using Kind = GobType::Kind;
  GobType type;
  if (wire < kGobEncoderT) {
    type.kind = std::array{Kind::kArray, Kind::kSlice, Kind::kStruct, Kind::kMap}[wire];
  }
  std::size_t field = GobCursor::kBeforeFirst;
  while (cursor.next_field(field, kFieldsMax)) {
    if (field == 0) {
      take_name_and_id(cursor);
    } else {
      take_detail(field, type, cursor);
    }
  }
  return type;
}

}  // namespace

void put_gob_uint(std::uint64_t value, std::string& out) {
  if (value <= kOneByteMax) {
    out.push_back(static_cast<char>(value));
    return;
  }
  const int bytes = (64 - std::countl_zero(value) + 7) / 8;
  out.push_back(static_cast<char>(-bytes));
  for (int i = bytes - 1; i >= 0; --i) {
    out.push_back(static_cast<char>(value >> (8 * i)));
  }
}

void put_gob_int(std::int64_t value, std::string& out) {
  put_gob_uint(static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63),
               out);
}

void put_gob_string(std::string_view text, std::string& out) {
  put_gob_uint(text.size(), out);
  out += text;
}

std::uint64_t GobCursor::uint() {
  const std::string_view first = take(1);
  const std::uint8_t byte = first.empty() ? 0 : static_cast<std::uint8_t>(first[0]);
  if (byte <= kOneByteMax) {
    return byte;
  }
  const std::uint64_t size = 256U - byte;
  if (size > sizeof(std::uint64_t)) {
    fail();
  }
  std::uint64_t value = 0;
  for (const char next : take(size)) {
    value = value << 8 | static_cast<std::uint8_t>(next);
  }
  return value;
}

std::int64_t GobCursor::sint() {
  const std::uint64_t folded = uint();
  return static_cast<std::int64_t>(folded >> 1 ^ (0 - (folded & 1)));
}

std::string_view GobCursor::bytes() { return take(uint()); }

bool GobCursor::next_field(std::size_t& field, std::size_t fields) {
  const std::uint64_t step = uint();
  if (step == 0) {
    return false;
  }
  const std::size_t passed = field + 1;  // kBeforeFirst + 1 is 0
  if (step > fields - passed) {
    fail();
    return false;
  }
  field = passed + step - 1;
  return true;
}

std::string_view GobCursor::take(std::uint64_t size) {
  if (!ok_ || size > rest_.size()) {
    fail();
    return {};
  }
  const std::string_view taken = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return taken;
}

void GobTypes::define(std::int64_t id, GobCursor& cursor) {
  if (id < kGobFirstDefined || types_.size() >= kTypesMax || find(id) != nullptr ||
      cursor.left() > kDefinitionBytesMax) {
    return cursor.fail();
  }
  std::size_t wire = GobCursor::kBeforeFirst;
  if (!cursor.next_field(wire, kWireTypeFields)) {
    return cursor.fail();
  }
  types_[id] = take_type(static_cast<WireType>(wire), cursor);
  if (cursor.next_field(wire, kWireTypeFields)) {
    cursor.fail();  // it is two kinds of type at once
  }
}

const GobType* GobTypes::find(std::int64_t id) const {
  const auto found = types_.find(id);
  return found != types_.end() ? &found->second : nullptr;
}

void GobTypes::skip(std::int64_t id, GobCursor& cursor, int depth) const {
  switch (id) {
    case kGobBool:
    case kGobInt:
    case kGobUint:
    case kGobFloat:
      cursor.uint();
      return;
    case kGobBytes:
    case kGobString:
      cursor.bytes();
      return;
    case kGobComplex:
      cursor.uint();
      cursor.uint();
      return;
    case kGobInterface:  // name of the type, its number, the value with its size
      if (!cursor.bytes().empty()) {
        cursor.sint();
        cursor.bytes();
      }
      return;
    default:
      break;
  }
  const GobType* type = find(id);
  if (type == nullptr || depth >= kDepthMax) {
    return cursor.fail();
  }
  skip(*type, cursor, depth + 1);
}

void GobTypes::skip(const GobType& type, GobCursor& cursor, int depth) const {
  using Kind = GobType::Kind;
  if (type.kind == Kind::kOpaque) {
    cursor.bytes();
    return;
  }
  if (type.kind == Kind::kStruct) {
    std::size_t field = GobCursor::kBeforeFirst;
    while (cursor.next_field(field, type.fields.size())) {
      skip(type.fields[field].type, cursor, depth);
    }
    return;
  }
  const std::uint64_t elements = cursor.uint();
  for (std::uint64_t i = 0; i < elements && cursor.ok(); ++i) {
    if (type.kind == Kind::kMap) {
      skip(type.key, cursor, depth);
    }
    skip(type.element, cursor, depth);
  }
}

}  // namespace forebay::load
