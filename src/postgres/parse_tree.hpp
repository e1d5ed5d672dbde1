/// A parsed text as libpg_query hands it over, and a walk over it that needs no list of node types.
#pragma once

#include <pg_query.h>
#include <pg_query/pg_query.pb-c.h>
#include <protobuf-c/protobuf-c.h>

#include <string>
#include <string_view>

namespace switchback::postgres {

/// Owns the tree; `error()` is set instead when the text does not parse.
class ParseTree {
 public:
  explicit ParseTree(const std::string& text) : result_(pg_query_parse_protobuf(text.c_str())) {
    if (!result_.error)
      root_ = pg_query__parse_result__unpack(nullptr, result_.parse_tree.len,
                                             reinterpret_cast<const std::uint8_t*>(result_.parse_tree.data));
  }
  ~ParseTree() {
    if (root_) pg_query__parse_result__free_unpacked(root_, nullptr);
    pg_query_free_protobuf_parse_result(result_);
  }
  ParseTree(const ParseTree&) = delete;
  ParseTree& operator=(const ParseTree&) = delete;

  const PgQuery__ParseResult* root() const { return root_; }
  std::string error() const {
    if (result_.error) return result_.error->message ? result_.error->message : "syntax error";
    return root_ ? "" : "the parse tree cannot be read";
  }

 private:
  PgQueryProtobufParseResult result_;
  PgQuery__ParseResult* root_ = nullptr;
};

/// Calls `visit` for every message directly below `message`, whatever its kind.
template <class Visit>
void for_each_child(const ProtobufCMessage* message, Visit visit) {
  const char* base = reinterpret_cast<const char*>(message);
  for (unsigned i = 0; i < message->descriptor->n_fields; ++i) {
    const ProtobufCFieldDescriptor& field = message->descriptor->fields[i];
    if (field.type != PROTOBUF_C_TYPE_MESSAGE) continue;
    if (field.label == PROTOBUF_C_LABEL_REPEATED) {
      const auto count = *reinterpret_cast<const std::size_t*>(base + field.quantifier_offset);
      const auto* elements = *reinterpret_cast<ProtobufCMessage* const* const*>(base + field.offset);
      for (std::size_t k = 0; k < count; ++k)
        if (elements[k]) visit(elements[k]);
      continue;
    }
    const bool one_of = (field.flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
    if (one_of && *reinterpret_cast<const std::uint32_t*>(base + field.quantifier_offset) != field.id) continue;
    if (const auto* child = *reinterpret_cast<ProtobufCMessage* const*>(base + field.offset)) visit(child);
  }
}

/// The string a String node holds, or nothing.
inline std::string_view string_of(const PgQuery__Node* node) {
  if (node && node->node_case == PG_QUERY__NODE__NODE_STRING && node->string->sval) return node->string->sval;
  return {};
}

/// Whether a message is of that kind: SWITCHBACK_IS(message, column_ref).
#define SWITCHBACK_IS(message, kind) ((message)->descriptor == &pg_query__##kind##__descriptor)

/// The message as what SWITCHBACK_IS has shown it to be.
template <class Message>
const Message& as(const ProtobufCMessage* message) {
  return *reinterpret_cast<const Message*>(message);
}

template <class Message>
const ProtobufCMessage* base_of(const Message* message) {
  return reinterpret_cast<const ProtobufCMessage*>(message);
}

}  // namespace switchback::postgres
