#include "switchback/postgres/own_statements.hpp"

#include <string>

#include "catch.hpp"

using switchback::postgres::with_own_marks;

TEST_CASE("every statement of a string bears the mark, once", "[own]") {
  CHECK(with_own_marks("SELECT 1") == "SELECT /* switchback */ 1");
  CHECK(with_own_marks("BEGIN") == "BEGIN /* switchback */ ");
  CHECK(with_own_marks("\nINSERT INTO t\nSELECT 1") == "\nINSERT /* switchback */ INTO t\nSELECT 1");
  CHECK(with_own_marks("SELECT\n  'a b'") == "SELECT /* switchback */ \n  'a b'");
  CHECK(with_own_marks("DROP TRIGGER a ON t;\nDROP TRIGGER b ON t;\n") ==
        "DROP /* switchback */ TRIGGER a ON t;\nDROP /* switchback */ TRIGGER b ON t;\n");
  CHECK(with_own_marks("SELECT /* switchback */ 1; SELECT 2") ==
        "SELECT /* switchback */ 1; SELECT /* switchback */ 2");
  CHECK(with_own_marks("").empty());
  CHECK(with_own_marks(";") == ";");
}

TEST_CASE("what stands in quotes is no statement, also where it looks like one", "[own]") {
  const std::string function =
      "REPLACE FUNCTION f() RETURNS trigger AS $switchback$BEGIN; NEW.a = ';'; END$switchback$ LANGUAGE plpgsql";
  CHECK(with_own_marks("CREATE OR " + function + "; SELECT 1") ==
        "CREATE /* switchback */ OR " + function + "; SELECT /* switchback */ 1");
  CHECK(with_own_marks("SELECT 'a; b', \"c; d\" -- e; f\n; SELECT 2") ==
        "SELECT /* switchback */ 'a; b', \"c; d\" -- e; f\n; SELECT /* switchback */ 2");
  // What cannot be scanned is the server's to refuse, as it stands.
  CHECK(with_own_marks("SELECT 'open; SELECT 2") == "SELECT /* switchback */ 'open; SELECT 2");
}
