/// The catalog of a real server.
#pragma once

#include "switchback/ports/catalog.hpp"

namespace switchback::postgres {

/// Holds no state; every call reads anew. table() and fingerprint() may be called inside a transaction, whose
/// search_path they leave at pg_catalog, pg_temp; resolve() must not.
class PostgresCatalog final : public ports::Catalog {
 public:
  std::optional<TableFacts> table(ports::Session& session, const TableName& name) override;
  ResolvedExpression resolve(ports::Session& session, const TableFacts& table, const std::string& expression,
                             const ColumnFacts* target = nullptr) override;
  std::string fingerprint(ports::Session& session, const TableName& name,
                          const std::vector<std::string>& without_indexes = {}) override;
};

}  // namespace switchback::postgres
