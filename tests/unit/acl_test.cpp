#include <random>

#include "catch.hpp"
#include "switchback/core/acl.hpp"

using namespace switchback;

namespace {

constexpr RoleOid owner = 10, app = 20, lead = 30, sub = 40;

TableAcl users() {
  TableAcl acl;
  acl.relation = 1;
  acl.owner = owner;
  acl.defaults = {{owner, owner, {"DELETE", "INSERT", "REFERENCES", "SELECT", "TRIGGER", "TRUNCATE", "UPDATE"}, {}}};
  for (const int column : {-1, 1, 2, 3}) acl.columns[column] = std::nullopt;
  return acl;
}

Privileges of(const TableAcl& acl, int column, RoleOid role) {
  Privileges out;
  const auto add = [&](const std::optional<Acl>& entries, const Acl& defaults) {
    for (const AclEntry& entry : entries.value_or(defaults))
      if (entry.grantee == role)
        for (const std::string& one : entry.privileges)
          if (column_privileges().contains(one)) out.insert(one);
  };
  add(acl.table, acl.defaults);
  add(acl.columns.at(column), {});
  return out;
}

/// The array as the server would make it of these moves (aclupdate in acl.c), without what a REVOKE takes along.
Acl done(Acl acl, const std::vector<AclMove>& moves) {
  for (const AclMove& move : moves) {
    auto at = std::find_if(acl.begin(), acl.end(), [&](const AclEntry& entry) {
      return entry.grantee == move.grantee && entry.grantor == move.grantor;
    });
    if (at == acl.end()) at = acl.insert(acl.end(), {move.grantee, move.grantor, {}, {}});
    for (const std::string& one : move.privileges) {
      if (move.grant) at->privileges.insert(one);
      if (move.grant && move.option) at->grantable.insert(one);
      if (!move.grant) at->grantable.erase(one);
      if (!move.grant && !move.option) at->privileges.erase(one);
    }
    if (at->privileges.empty()) acl.erase(at);
  }
  return acl;
}

Acl random_acl(std::mt19937& random) {
  Acl acl;
  for (const RoleOid grantee : {owner, app, lead, sub, public_role}) {
    if (random() % 3 == 0) continue;
    AclEntry entry{grantee, owner, {}, {}};
    for (const char* one : {"SELECT", "INSERT", "UPDATE", "REFERENCES", "DELETE"})
      if (random() % 2 == 0) {
        entry.privileges.insert(one);
        if (random() % 4 == 0) entry.grantable.insert(one);
      }
    if (!entry.privileges.empty()) acl.insert(acl.begin() + static_cast<long>(random() % (acl.size() + 1)), entry);
  }
  return acl;
}

}  // namespace

TEST_CASE("a table's grant becomes the same on every other column, and none on the hidden one", "[acl]") {
  TableAcl before = users();
  before.table = Acl{{owner, owner, {"DELETE", "SELECT", "UPDATE"}, {}},
                     {app, owner, {"INSERT", "SELECT", "TRIGGER"}, {}},
                     {lead, owner, {"SELECT"}, {"SELECT"}},
                     {sub, lead, {"SELECT"}, {}}};
  before.columns[2] = Acl{{public_role, owner, {"SELECT"}, {}}};
  before.columns[3] = Acl{{app, owner, {"UPDATE"}, {}}};
  const TableAcl during = without_columns(before, {2});
  CHECK(during.table == Acl{{owner, owner, {"DELETE"}, {}}, {app, owner, {"TRIGGER"}, {}}});
  CHECK_FALSE(during.columns.at(2));
  for (const RoleOid role : {owner, app, lead, sub}) {
    CAPTURE(role);
    CHECK(of(during, 1, role) == of(before, 1, role));
    CHECK(of(during, 3, role) == of(before, 3, role));
    CHECK(of(during, -1, role) == Privileges{"SELECT"});
  }
  CHECK(during.columns.at(1)->at(2).grantable == Privileges{"SELECT"});
}

TEST_CASE("implicit privileges are the owner's, and he is stopped as well", "[acl]") {
  const TableAcl during = without_columns(users(), {2});
  CHECK(during.table == Acl{{owner, owner, {"DELETE", "TRIGGER", "TRUNCATE"}, {}}});
  CHECK(of(during, 2, owner).empty());
  CHECK(of(during, 1, owner) == column_privileges());
}

TEST_CASE("moves make one array of another, in the same order", "[acl]") {
  std::mt19937 random(7);
  for (int i = 0; i < 2000; ++i) {
    const Acl from = random_acl(random), to = random_acl(random);
    CAPTURE(i);
    REQUIRE(done(from, moves(from, to)) == to);
  }
  const Acl same = random_acl(random);
  CHECK(moves(same, same).empty());
}

TEST_CASE("moves on many columns are few statements, each column's in its own order", "[acl]") {
  const AclMove a{true, false, app, owner, {"SELECT"}}, b{true, false, lead, owner, {"SELECT"}};
  const auto together = column_moves({{1, {a, b}}, {2, {a, b}}, {3, {b, a}}});
  std::map<int, std::vector<AclMove>> order;
  for (const ColumnMove& move : together)
    for (const int column : move.columns) order[column].push_back(move.move);
  CHECK(order == std::map<int, std::vector<AclMove>>{{1, {a, b}}, {2, {a, b}}, {3, {b, a}}});
  CHECK(together.front().columns == std::vector<int>{1, 2});
}

TEST_CASE("nobody having changed anything, what was before comes back, NULLs too", "[acl]") {
  const TableAcl before = users();
  const TableAcl during = without_columns(before, {2});
  TableAcl back = given_back(before, during, during, {owner});
  CHECK(back == before);
  CHECK_FALSE(back.table);
}

TEST_CASE("what others granted and revoked meanwhile stays, and nothing that was there before is lost", "[acl]") {
  TableAcl before = users();
  before.table = Acl{{owner, owner, {"SELECT"}, {}}, {app, owner, {"DELETE", "SELECT", "UPDATE"}, {}}};
  const TableAcl during = without_columns(before, {2});
  TableAcl now = during;
  now.table = Acl{{owner, owner, {"TRUNCATE"}, {}}, {lead, owner, {"SELECT"}, {}}};    // DELETE revoked from app
  now.columns[1] = Acl{{owner, owner, {"SELECT"}, {}}, {sub, owner, {"UPDATE"}, {}}};  // app's stand-ins too
  now.columns.erase(3);                                                                // dropped
  now.columns[4] = std::nullopt;                                                       // added
  const TableAcl back = given_back(before, during, now, {owner, app, lead, sub});
  CHECK(back.table == Acl{{owner, owner, {"SELECT", "TRUNCATE"}, {}},
                          {app, owner, {"SELECT", "UPDATE"}, {}},
                          {lead, owner, {"SELECT"}, {}}});
  CHECK(back.columns ==
        std::map<int, std::optional<Acl>>{
            {-1, std::nullopt}, {1, Acl{{sub, owner, {"UPDATE"}, {}}}}, {2, std::nullopt}, {4, std::nullopt}});
  const auto told = changes(during, now);
  CHECK(std::ranges::find(told, AclChange{0, true, lead, {"SELECT"}}) != told.end());
  CHECK(std::ranges::find(told, AclChange{0, false, app, {"DELETE"}}) != told.end());
}

TEST_CASE("a role that is gone gets nothing back, and a new owner takes the old one's place", "[acl]") {
  TableAcl before = users();
  before.table = Acl{{owner, owner, {"SELECT"}, {}}, {app, owner, {"SELECT"}, {}}};
  const TableAcl during = without_columns(before, {2});
  TableAcl now = during;
  constexpr RoleOid heir = 50;
  now.owner = heir;
  now.defaults[0].grantee = now.defaults[0].grantor = heir;
  now.table = Acl{};
  now.columns[1] = Acl{{heir, heir, {"SELECT"}, {}}};
  now.columns[3] = now.columns[-1] = now.columns[1];
  const TableAcl back = given_back(before, during, now, {heir});
  CHECK(back.table == Acl{{heir, heir, {"SELECT"}, {}}});
  CHECK_FALSE(back.columns.at(1));
}

TEST_CASE("a statement names its columns behind each privilege", "[acl]") {
  CHECK(
      acl_statement({true, true, app, owner, {"SELECT", "UPDATE"}}, R"("public"."users")", {R"("a")", R"("b")"},
                    R"("app")") ==
      R"(GRANT /* switchback */ SELECT ("a", "b"), UPDATE ("a", "b") ON TABLE "public"."users" TO "app" WITH GRANT OPTION)");
  CHECK(acl_statement({false, true, app, owner, {"SELECT"}}, "t", {}, "PUBLIC") ==
        "REVOKE /* switchback */ GRANT OPTION FOR SELECT ON TABLE t FROM PUBLIC CASCADE");
}
