/// Whether what a contract tightens can be tightened as planned. Private to the engine.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "switchback/core/rule.hpp"
#include "switchback/ports/catalog.hpp"

namespace switchback::engine {

/// Says what is wrong and what to do; does not come back.
using Refuse = std::function<void(const std::string& what, const std::string& hint)>;

/// `shaped`: the table as it will be after expand.
void check_rule_columns(const Rule& rule, const TableFacts& shaped, const Refuse& refuse);
/// The same, and that the constraint's name is free, and that the server can enforce it without reading the table.
void check_rule(ports::Session& session, ports::Catalog& catalog, const Plan& plan, const Rule& rule,
                const TableFacts& table, const TableFacts& shaped, const Refuse& refuse);
/// Of the columns that are compared, and of the key's.
std::vector<std::string> operator_schemas(ports::Session& session, const Rule& rule, const RuleFacts& facts,
                                          const TableFacts& shaped);

}  // namespace switchback::engine
