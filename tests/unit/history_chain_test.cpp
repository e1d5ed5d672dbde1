#include "switchback/core/history_chain.hpp"

#include "catch.hpp"

using namespace switchback;

namespace {

ChainLink link(std::int64_t id, const std::string& hash, std::vector<std::string> previous) {
  return {id, hash, hash, std::move(previous)};
}

std::string breaks(const std::vector<ChainLink>& links, const std::string& expected = "") {
  std::string all;
  for (const ChainBreak& one : check_chain(links, expected).breaks)
    all += (all.empty() ? "" : "; ") + std::to_string(one.id) + " " + one.what;
  return all;
}

}  // namespace

TEST_CASE("a history whose events follow each other is unbroken, and its last event is its head", "[history]") {
  const std::vector<ChainLink> links{link(1, "a", {}), link(2, "b", {"a"}), link(5, "c", {"b"})};
  CHECK(breaks(links).empty());
  CHECK(check_chain(links, "").heads == std::vector<std::string>{"c"});
  CHECK(check_chain({}, "").breaks.empty());
}

TEST_CASE("events written at the same time follow the same one, and the next follows them all", "[history]") {
  const std::vector<ChainLink> links{link(1, "a", {}), link(2, "b", {"a"}), link(3, "c", {"a"})};
  CHECK(breaks(links).empty());
  CHECK(check_chain(links, "").heads == std::vector<std::string>{"b", "c"});
  CHECK(breaks({links[0], links[1], links[2], link(4, "d", {"b", "c"})}).empty());
}

TEST_CASE("of two events written at the same time the one with the lower id may follow the other", "[history]") {
  CHECK(breaks({link(1, "a", {}), link(2, "b", {"c"}), link(3, "c", {"a"})}).empty());
  CHECK(breaks({link(1, "a", {"b"}), link(2, "b", {})}).empty());
}

TEST_CASE("an event that was changed, taken out or slipped in is named", "[history]") {
  CHECK(breaks({link(1, "a", {}), {2, "b", "x", {"a"}}, link(3, "c", {"b"})}) == "2 is not as it was written");
  CHECK(breaks({link(1, "a", {}), link(2, "x", {"a"}), link(3, "c", {"b"})}) ==
        "3 follows an event that is gone or was changed");
  CHECK(breaks({link(1, "a", {}), link(3, "c", {"b"})}) == "3 follows an event that is gone or was changed");
  CHECK(breaks({link(2, "b", {"a"}), link(3, "c", {"b"})}) == "2 follows an event that is gone or was changed");
  CHECK(breaks({link(1, "a", {}), link(2, "b", {})}) == "2 follows nothing: it was not written the way events are");
}

TEST_CASE("that the end was cut off shows by a head that was kept elsewhere", "[history]") {
  const std::vector<ChainLink> cut{link(1, "a1", {}), link(2, "b2", {"a1"})};
  CHECK(breaks(cut, "b").empty());
  CHECK(breaks(cut, "c3") == "0 the event with the hash c3 is gone or was changed");
}
