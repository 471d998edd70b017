#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

/// Go's encoding/gob, as its package documentation describes it: a stream of messages, each a size
/// and a type's number. Below zero, the definition of that type follows; else a value of it.
namespace forebay::load {

/// Numbers of the types that need no definition.
inline constexpr std::int64_t kGobBool = 1;
inline constexpr std::int64_t kGobInt = 2;
inline constexpr std::int64_t kGobUint = 3;
inline constexpr std::int64_t kGobFloat = 4;
inline constexpr std::int64_t kGobBytes = 5;
inline constexpr std::int64_t kGobString = 6;
inline constexpr std::int64_t kGobComplex = 7;
inline constexpr std::int64_t kGobInterface = 8;
inline constexpr std::int64_t kGobFirstDefined = 64;

void put_gob_uint(std::uint64_t value, std::string& out);
void put_gob_int(std::int64_t value, std::string& out);
/// Also []byte.
void put_gob_string(std::string_view text, std::string& out);

/// Takes values off the front of a message; once something does not fit, all is 0 and empty.
class GobCursor {
 public:
  explicit GobCursor(std::string_view bytes) : rest_(bytes) {}

  std::uint64_t uint();
  std::int64_t sint();
  std::string_view bytes();
  /// Of a struct, whose field numbers are written as differences: moves `field` (npos before the
  /// first) to the next one. False: there are no more.
  bool next_field(std::size_t& field, std::size_t fields);
  static constexpr std::size_t kBeforeFirst = std::string_view::npos;

  void fail() { ok_ = false; }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::size_t left() const { return rest_.size(); }

 private:
  std::string_view take(std::uint64_t size);

  std::string_view rest_;
  bool ok_ = true;
};

struct GobType {
  enum class Kind : std::uint8_t { kArray, kSlice, kStruct, kMap, kOpaque };
  struct Field {
    std::string name;
    std::int64_t type = 0;
  };
  Kind kind = Kind::kOpaque;  // opaque: bytes that the type itself has made, as time.Time does
  std::int64_t key = 0;       // of a map
  std::int64_t element = 0;   // of array, slice, map
  std::vector<Field> fields;  // of a struct
};

/// The types that a stream has defined so far.
class GobTypes {
 public:
  static constexpr std::size_t kTypesMax = 256;
  static constexpr std::size_t kDefinitionBytesMax = std::size_t{64} << 10;

  /// Takes the definition of type `id`. It makes no sense: the cursor fails.
  void define(std::int64_t id, GobCursor& cursor);
  /// Null: not defined.
  [[nodiscard]] const GobType* find(std::int64_t id) const;
  /// Passes over a value, however it is made.
  void skip(std::int64_t id, GobCursor& cursor) const { skip(id, cursor, 0); }

 private:
  static constexpr int kDepthMax = 32;
  void skip(std::int64_t id, GobCursor& cursor, int depth) const;
  void skip(const GobType& type, GobCursor& cursor, int depth) const;

  std::map<std::int64_t, GobType> types_;
};

}  // namespace forebay::load
