/// Walking a table by a unique key: the SQL of "the next N rows", and a key as the journal stores it. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "switchback/core/table_facts.hpp"

namespace switchback {

/// The value of a key, column by column, in the type's text form. Never NULL: the key's columns are NOT NULL.
using KeyValue = std::vector<std::string>;

/// `t."a", t."b"`
std::string key_columns(const KeyFacts& key, std::string_view row);
/// `(t."a", t."b") > ('1'::bigint, 'x'::text)`; `op` one of > >= < <= =. `true` without a value.
std::string key_compare(const KeyFacts& key, std::string_view row, std::string_view op,
                        const std::optional<KeyValue>& value);
/// jsonb_build_object of the key's columns, as text: what people see.
std::string key_object(const KeyFacts& key, std::string_view row);
/// The row has the key that `object`, SQL of such a jsonb object, says; can use the key's index.
std::string key_is(const KeyFacts& key, std::string_view row, std::string_view object);
/// The key of the last of the next `rows` rows after `after`, in key order; no row: fewer than that are left.
std::string key_bound_sql(const KeyFacts& key, const TableName& leaf, const std::optional<KeyValue>& after, long rows);

}  // namespace switchback
