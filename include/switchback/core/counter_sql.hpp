/// The counter of would-be violations: triggers that note which writes a rule would refuse, before it is enforced.
/// Pure.
///
/// They never fail the application's statement: what raises inside them is noted as a violation that could not be told.
/// Cost: NOT NULL, a WHEN clause a row written; a check, one call of a function with the writer's rights (it is his
/// right that the constraint will ask for); a foreign key or unique, one look-up in an index for each row in which the
/// columns are new. A note is written once a session and period, with the number of violations since the last one.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "switchback/core/rule.hpp"

namespace switchback {

struct Counter {
  std::int64_t plan_id = 0;
  int number = 0;  ///< from 1, among the contract's rules
  Rule rule;
  RuleFacts facts;
  std::vector<TableName> on;      ///< whose writes are looked at: the rule's table, with those that inherit from it
  std::chrono::seconds period{};  ///< of notes: probe_period of the window that is to be free of violations
};

/// `count_<plan>_<number>`: the functions of one counter, in the schema switchback, have this name, or this and `_…`.
std::string counter_function(std::int64_t plan_id, int number);
/// Functions, then triggers; to be run in one transaction. SHARE ROW EXCLUSIVE on the table (foreign key: on both) for
/// milliseconds; ACCESS EXCLUSIVE where they are made again.
std::vector<std::string> counter_sql(const Counter& counter);

}  // namespace switchback
