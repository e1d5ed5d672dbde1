/// What reads a structure without a statement naming it: views, functions, partitions. And what follows for the
/// verdict.
#pragma once

#include <string>
#include <vector>

#include "switchback/core/evidence.hpp"
#include "switchback/ports/usage_source.hpp"
#include "switchback/postgres/statement_judge.hpp"

namespace switchback::postgres {

struct Reached {
  std::string structure;  ///< shown()
  ports::Closure closure;
  JudgeTarget target;
  std::vector<Observation> observations;  ///< of the sources "catalog" and "functions"
  std::set<TableName> doubted_functions;  ///< whose bodies could name it, and are not found to use it
};

/// What may go along: by name, as a part of what goes whole, or a publication that was checked.
struct Allowed {
  std::vector<std::string> names;
  std::vector<Structure> structures;
  std::vector<std::string> checked;
  bool covers(const ports::Dependent& dependent) const;
};
/// allow_silent, and everything else that the same contract takes away.
Allowed allowed_by(const ports::UsageRequest& request);

/// Everything the catalog says now of each structure of the request, in its order.
std::vector<Reached> reached(ports::Session& session, const ports::UsageRequest& request);

/// Looks at the expressions of checks, policies, rules, triggers, indexes, statistics and BEGIN ATOMIC functions for
/// whole rows of the tables (their oids), of which pg_depend does not know the columns; adds to observations.
void look_for_whole_rows(ports::Session& session, const std::vector<std::string>& tables, Reached& reached);

/// Looks at the bodies of functions that the catalog does not see into; adds to observations and target.functions.
void look_into_functions(ports::Session& session, Reached& reached);

/// A text array in the server's notation, for parameters of type text[].
std::string array_literal(const std::vector<std::string>& values);

}  // namespace switchback::postgres
