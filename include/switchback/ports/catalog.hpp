/// Reading the catalog, and letting the server resolve what users wrote.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "switchback/core/sync.hpp"
#include "switchback/core/table_facts.hpp"
#include "switchback/ports/session.hpp"

namespace switchback::ports {

class Catalog {
 public:
  virtual ~Catalog() = default;

  /// Everything known of a table; empty when there is no such table (or it is a view, foreign table …: Error).
  virtual std::optional<TableFacts> table(Session& session, const TableName& name) = 0;

  /// Resolves an expression over the table's row exactly as the role's default search_path would, and returns it with
  /// everything qualified. Refuses (Error, Exit::invalid, the server's SQLSTATE where it has one): unknown columns,
  /// aggregates, window functions, subqueries, volatile functions, whole-row references, generated columns, an
  /// expression that mentions row_alias. Runs in a transaction of its own that is rolled back.
  /// With `target`: also checks that the result may be assigned to that column.
  virtual ResolvedExpression resolve(Session& session, const TableFacts& table, const std::string& expression,
                                     const ColumnFacts* target = nullptr) = 0;

  /// A hash of the shape of a table (columns, types, defaults, constraints, indexes, triggers but switchback's own);
  /// equal shapes give equal hashes, also on another server. Indexes of these names are left out.
  virtual std::string fingerprint(Session& session, const TableName& name,
                                  const std::vector<std::string>& without_indexes = {}) = 0;
};

}  // namespace switchback::ports
