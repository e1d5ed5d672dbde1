/// What the server made of a plan when it started: sides, expressions and columns, all qualified. Stored in the
/// journal, so that nothing planted in a search_path afterwards can change what the plan means.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "switchback/core/plan.hpp"
#include "switchback/core/rule.hpp"
#include "switchback/core/sync.hpp"
#include "switchback/core/table_facts.hpp"

namespace switchback::engine {

/// One table's sync and backfill, as the plan declares them.
struct ResolvedSync {
  TableName table;
  std::uint32_t oid = 0;
  SyncPlan sync;
  KeyFacts key;
  UserTriggers user_triggers = UserTriggers::fire;
  BatchLimits batch;
};

/// A column that expand adds, as the server understands it.
struct ResolvedColumn {
  TableName table;
  ColumnFacts column;
};

struct ResolvedCheck {
  TableName table;
  std::string written;  ///< as in the plan
  ResolvedExpression check;
  KeyFacts key;
};

struct ResolvedFix {
  RuleFacts facts;
  std::vector<std::pair<std::string, ResolvedExpression>> set;
};

struct ResolvedPlan {
  std::vector<ResolvedSync> sync;
  std::vector<ResolvedColumn> columns;
  std::vector<ResolvedCheck> checks;
  std::vector<RuleFacts> rules;    ///< of the contract's rules, in their order (rules_of)
  std::vector<ResolvedFix> fixes;  ///< of migrate's fix steps, in their order

  const ResolvedSync* sync_of(const TableName& table) const;
  const ColumnFacts* added(const TableName& table, std::string_view column) const;
};

std::string to_json(const ResolvedPlan& plan);
ResolvedPlan resolved_from_json(const std::string& json);
std::string to_json(const SyncPlan& plan);
SyncPlan sync_from_json(const std::string& json);

}  // namespace switchback::engine
