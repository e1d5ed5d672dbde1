#include "switchback/core/units.hpp"

#include <random>

#include "catch.hpp"
#include "switchback/core/excerpt.hpp"

using namespace switchback;
using namespace std::chrono_literals;

TEST_CASE("durations are read as people write them", "[units]") {
  CHECK(parse_duration("250ms") == 250ms);
  CHECK(parse_duration("2s") == 2s);
  CHECK(parse_duration("1m") == 1min);
  CHECK(parse_duration("1h30m") == 90min);
  CHECK(parse_duration("30d") == 720h);
  CHECK(parse_duration("1d2h3m4s5ms") == 93784005ms);
  CHECK(parse_duration("0s") == 0ms);
}

TEST_CASE("what is no duration is not guessed at", "[units]") {
  for (const char* text : {"", "5", "s", "-1s", "+1s", "1 s", " 1s", "1s ", "1.5s", "1S", "1y", "30m1h", "1s1s",
                           "1ms1s", "99999999999999999999s", "106751991168d", "9223372036854775807d", "1h30"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_duration(text));
  }
}

TEST_CASE("a formatted duration is short, exact and read back", "[units]") {
  CHECK(format_duration(0ms) == "0s");
  CHECK(format_duration(25ms) == "25ms");
  CHECK(format_duration(90s) == "90s");
  CHECK(format_duration(24h) == "1d");
  CHECK(format_duration(1500ms) == "1500ms");
  CHECK(format_duration(36h) == "36h");
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 1000; ++i) {
    const std::chrono::milliseconds duration(random() >> (random() % 62 + 1));
    CAPTURE(duration.count());
    CHECK(parse_duration(format_duration(duration)) == duration);
  }
}

TEST_CASE("durations are shown with two units at most", "[units]") {
  CHECK(show_duration(0ms) == "0 s");
  CHECK(show_duration(38ms) == "38 ms");
  CHECK(show_duration(200ms) == "0.2 s");
  CHECK(show_duration(3400ms) == "3.4 s");
  CHECK(show_duration(1s) == "1 s");
  CHECK(show_duration(9990ms) == "9.9 s");
  CHECK(show_duration(40s) == "40 s");
  CHECK(show_duration(59999ms) == "59 s");
  CHECK(show_duration(2min) == "2m");
  CHECK(show_duration(65s) == "1m05s");
  CHECK(show_duration(61min) == "1h01m");
  CHECK(show_duration(25h) == "1d01h");
  CHECK(show_duration(-40s) == "-40 s");
}

TEST_CASE("sizes know both kinds of kilo", "[units]") {
  CHECK(parse_bytes("1MB") == 1'000'000);
  CHECK(parse_bytes("1MiB") == 1'048'576);
  CHECK(parse_bytes("500kB") == 500'000);
  CHECK(parse_bytes("0B") == 0);
  CHECK(parse_bytes("2TiB") == 2199023255552);
  for (const char* text : {"", "1", "MB", "1mb", "1 MB", "-1MB", "1.5MB", "1KB", "9999999999TB"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_bytes(text));
  }
  CHECK(show_bytes(450) == "450 B");
  CHECK(show_bytes(1'250'000) == "1.2 MB");
  CHECK(show_bytes(8'000'000) == "8 MB");
  CHECK(show_bytes(123'456'789) == "123 MB");
}

TEST_CASE("counts are shown for people", "[units]") {
  CHECK(show_count(0) == "0");
  CHECK(show_count(999) == "999");
  CHECK(show_count(8412) == "8,412");
  CHECK(show_count(-1234567) == "-1,234,567");
  CHECK(show_count_short(8412) == "8,412");
  CHECK(show_count_short(12'543'000) == "12.5M");
  CHECK(show_count_short(13'000'000) == "13.0M");
  CHECK(show_count_short(2.1e9) == "2.1G");
}

TEST_CASE("a command is split into words as a shell would, and written so that it reads back", "[units]") {
  using Words = std::vector<std::string>;
  CHECK(parse_words("") == Words{});
  CHECK(parse_words("  df-free\t/var ") == Words{"df-free", "/var"});
  CHECK(parse_words(R"(sh -c 'df "$1" | tail -1' "a b" c\ d '')") ==
        Words{"sh", "-c", "df \"$1\" | tail -1", "a b", "c d", ""});
  CHECK(parse_words(R"("a\"b" 'c\d')") == Words{"a\"b", "c\\d"});
  for (const char* open : {"'a", "\"a", "a\\"}) {
    CAPTURE(open);
    CHECK_FALSE(parse_words(open));
  }
  for (const Words& words : {Words{"a"}, Words{"a b", "it's", "", "\\", "\"", "x\ny", "*"}})
    CHECK(parse_words(format_words(words)) == words);
}

TEST_CASE("room is a share or a size, and nothing else", "[units]") {
  CHECK(parse_room("20%") == Room{Room::Unit::share, 0.2});
  CHECK(parse_room("12GB") == Room{Room::Unit::bytes, 12e9});
  for (const char* text : {"", "20", "%", "101%", "-1%", "GB", "20 %"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_room(text));
  }
  CHECK(show_room({Room::Unit::share, 0.195}) == "19.5 %");
  CHECK(show_room({Room::Unit::bytes, 12e9}) == "12 GB");
}

TEST_CASE("a long text is shown by its beginning, in one line and in whole characters", "[units]") {
  CHECK(first_line("one\ttwo\r\nthree") == "one two");
  CHECK(first_line("") == "");
  CHECK(excerpt("select 1\n\tfrom users") == "select 1  from users");
  CHECK(excerpt(std::string(200, 'x')) == std::string(200, 'x'));
  CHECK(excerpt(std::string(201, 'x')) == std::string(200, 'x') + "…");
  CHECK(excerpt(std::string(199, 'x') + "éé") == std::string(199, 'x') + "…");
}
