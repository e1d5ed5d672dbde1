/// A parsed text that may be changed before it is written out again, with libpg_query.
#pragma once

#include <pg_query.h>
#include <pg_query/pg_query.pb-c.h>

#include <memory_resource>
#include <optional>
#include <string>
#include <vector>

namespace switchback::postgres {

/// A parse tree and everything that is put into it; gone at once, at the end: whatever in it points elsewhere by then.
class EditableTree {
 public:
  explicit EditableTree(const std::string& sql) {
    const PgQueryProtobufParseResult parsed = pg_query_parse_protobuf(sql.c_str());
    if (parsed.error != nullptr)
      error_ = parsed.error->message != nullptr ? parsed.error->message : "syntax error";
    else
      root_ = pg_query__parse_result__unpack(&allocator_, parsed.parse_tree.len,
                                             reinterpret_cast<const std::uint8_t*>(parsed.parse_tree.data));
    pg_query_free_protobuf_parse_result(parsed);
    if (root_ == nullptr && error_.empty()) error_ = "the parse tree cannot be read";
  }
  EditableTree(const EditableTree&) = delete;
  EditableTree& operator=(const EditableTree&) = delete;

  /// Null where there is an error.
  PgQuery__ParseResult* root() { return root_; }
  const std::string& error() const { return error_; }
  std::pmr::monotonic_buffer_resource& memory() { return memory_; }

 private:
  static void* allocate(void* self, std::size_t size) {
    return static_cast<std::pmr::monotonic_buffer_resource*>(self)->allocate(size, alignof(std::max_align_t));
  }
  static void keep(void*, void*) {}  // the arena frees all at once

  std::pmr::monotonic_buffer_resource memory_;
  ProtobufCAllocator allocator_{allocate, keep, &memory_};
  PgQuery__ParseResult* root_ = nullptr;
  std::string error_;
};

struct Deparsed {
  std::string text;  ///< SQL, or why there is none
  bool done = false;
};
inline Deparsed deparse(const PgQuery__ParseResult& tree) {
  std::vector<char> packed(pg_query__parse_result__get_packed_size(&tree));
  pg_query__parse_result__pack(&tree, reinterpret_cast<std::uint8_t*>(packed.data()));
  const PgQueryDeparseResult deparsed = pg_query_deparse_protobuf({packed.size(), packed.data()});
  Deparsed result{deparsed.error != nullptr ? deparsed.error->message : deparsed.query, deparsed.error == nullptr};
  pg_query_free_deparse_result(deparsed);
  return result;
}

}  // namespace switchback::postgres
