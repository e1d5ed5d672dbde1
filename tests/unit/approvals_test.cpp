#include "switchback/core/approvals.hpp"

#include "catch.hpp"

using namespace switchback;
using Words = std::vector<std::string>;

namespace {

Approver role(const std::string& name, Words groups = {}) {
  groups.push_back(name);
  return {name, groups};
}

}  // namespace

TEST_CASE("each tier wants a role of its own, and a group wants one of its members", "[approvals]") {
  const ApprovalsWanted wanted{{"person", "dba"}, 0};
  CHECK(open_tiers(wanted, {}, "amy") == Words{"person", "dba"});
  CHECK(open_tiers(wanted, {role("bob")}, "amy") == Words{"dba"});
  CHECK(open_tiers(wanted, {role("bob"), role("bob")}, "amy") == Words{"dba"});
  CHECK(open_tiers(wanted, {role("bob"), role("eve")}, "amy") == Words{"dba"});
  CHECK(open_tiers(wanted, {role("bob"), role("dan", {"dba"})}, "amy").empty());
}

TEST_CASE("who registered the plan does not approve it", "[approvals]") {
  CHECK(open_tiers({{"person"}, 0}, {role("amy")}, "amy") == Words{"person"});
  CHECK(open_tiers({{"dba"}, 0}, {role("amy", {"dba"})}, "amy") == Words{"dba"});
  CHECK(open_tiers({{}, 1}, {role("amy")}, "amy") == Words{"person"});
}

TEST_CASE("a role of two groups is given to the tier that nobody else fills", "[approvals]") {
  const Approver both = role("dan", {"dba", "sre"});
  const Approver one = role("bob", {"dba"});
  CHECK(open_tiers({{"dba", "sre"}, 0}, {both, one}, "amy").empty());
  CHECK(open_tiers({{"sre", "dba"}, 0}, {one, both}, "amy").empty());
  CHECK(open_tiers({{"person", "dba"}, 0}, {one, role("eve")}, "amy").empty());
  CHECK(open_tiers({{"dba", "sre"}, 0}, {both}, "amy").size() == 1);
}

TEST_CASE("beside the tiers there must be so many different roles", "[approvals]") {
  CHECK(open_tiers({{}, 2}, {role("bob")}, "amy") == Words{"person"});
  CHECK(open_tiers({{"dba"}, 3}, {role("bob")}, "amy") == Words{"dba", "person"});
  CHECK(open_tiers({{"dba"}, 2}, {role("bob"), role("dan", {"dba"})}, "amy").empty());
  CHECK(open_tiers({{}, 0}, {}, "amy").empty());
}
