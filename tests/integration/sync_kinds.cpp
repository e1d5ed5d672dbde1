#include "sync_model.hpp"

namespace switchback::tests {
namespace {

const std::vector<Value> names = {"Ann",  "Ann Smith", "Mary Ann Smith", "",          " lead",
                                  "X  Y", "Bob ",      "Ünal Öz",        std::nullopt};
const std::vector<Value> firsts = {"Ann", "Mary Ann", "", std::nullopt, "B"};
const std::vector<Value> lasts = {"Smith", "", "de la X", std::nullopt};
const Texts split_set = {{"first_name", "split_part(full_name, ' ', 1)"},
                         {"last_name", "nullif(substr(full_name, strpos(full_name, ' ') + 1), full_name)"}};
const Texts split_reverse = {{"full_name", "concat_ws(' ', first_name, last_name)"}};

Kind two_images(const std::string& name, std::vector<ColumnSpec> base, std::vector<ColumnSpec> added, Texts set,
                Texts reverse, bool exact = false) {
  Image before{"old", {}, 1};
  Image after{"new", {}, 1};
  for (const ColumnSpec& column : base) before.columns.push_back(column.name);
  for (const ColumnSpec& column : added) after.columns.push_back(column.name);
  PlanText plan;
  plan.name = name;
  plan.set = std::move(set);
  plan.reverse = std::move(reverse);
  plan.exact = exact;
  return {name, std::move(base), {{std::move(plan), std::move(added)}}, {before, after}};
}

Kind split(const std::string& name, std::optional<std::string> default_value, bool exact) {
  return two_images(name, {{"full_name", "text", names, true, std::move(default_value)}},
                    {{"first_name", "text", firsts, false, {}}, {"last_name", "text", lasts, false, {}}}, split_set,
                    split_reverse, exact);
}

Kind chain() {
  Kind kind = split("chain", std::nullopt, false);
  PlanText given;
  given.name = "given";
  given.set = {{"given", "upper(first_name)"}};
  given.reverse = {{"first_name", "given"}};
  kind.steps.push_back({given, {{"given", "text", {"ANN", "Zoe", "", std::nullopt}, false, {}}}});
  kind.images.push_back({"newest", {"given", "last_name"}, 2});
  return kind;
}

}  // namespace

std::vector<Kind> kinds() {
  const std::vector<Value> codes = {"1", "007", "abc", "", " 5", "99999999999", std::nullopt};
  const std::vector<Value> numbers = {"1", "7", "-3", "0", std::nullopt};
  const std::vector<Value> mails = {"A@x", "a@x", "B@x", std::nullopt};
  const std::vector<Value> letters = {"x", "y", "", std::nullopt};
  return {
      split("split", std::nullopt, false),
      split("split_default", "''", false),
      split("split_exact", "''", true),
      two_images("lower", {{"mail", "text", mails, false, {}}}, {{"mail_l", "text", mails, false, {}}},
                 {{"mail_l", "lower(mail)"}}, {{"mail", "mail_l"}}),
      two_images("to_type", {{"code", "text", codes, false, {}}}, {{"code_n", "integer", numbers, false, {}}},
                 {{"code_n", "code::integer"}}, {{"code", "code_n::text"}}),
      two_images("from_type", {{"code_n", "integer", numbers, false, {}}}, {{"code", "text", codes, false, {}}},
                 {{"code", "code_n::text"}}, {{"code_n", "code::integer"}}),
      two_images("rename", {{"a", "text", letters, false, {}}}, {{"b", "text", letters, false, {}}}, {{"b", "a"}},
                 {{"a", "b"}}),
      two_images("rename_default", {{"a", "text", {"x", "y", "n/a", ""}, true, "'n/a'"}},
                 {{"b", "text", {"x", "y", "n/a", ""}, true, "'n/a'"}}, {{"b", "a"}}, {{"a", "b"}}),
      two_images("merge",
                 {{"street", "text", {"Main", "Elm", "", std::nullopt}, false, {}},
                  {"city", "text", {"Rome", "Oslo", std::nullopt}, false, {}}},
                 {{"addr",
                   "jsonb",
                   {R"({"city": "Rome", "street": "Main"})", R"({"city": null, "street": null})", "{}",
                    R"({"zip": 1, "city": "Pisa"})", std::nullopt},
                   false,
                   {}}},
                 {{"addr", "jsonb_build_object('street', street, 'city', city)"}},
                 {{"street", "addr->>'street'"}, {"city", "addr->>'city'"}}),
      two_images("cents", {{"price", "numeric(10,2)", {"0.00", "1.50", "12.34", "-3.10", std::nullopt}, false, "0"}},
                 {{"cents", "bigint", {"0", "150", "1", "99999999999999", std::nullopt}, false, {}}},
                 {{"cents", "round(price * 100)::bigint"}}, {{"price", "(cents / 100.0)::numeric(10,2)"}}),
      two_images("enum", {{"status", "text", {"new", "done", "odd"}, true, "'new'"}},
                 {{"status_e", "mood", {"new", "done", "gone", std::nullopt}, false, {}}},
                 {{"status_e", "status::mood"}}, {{"status", "status_e::text"}}),
      two_images("citext", {{"mail", "citext", mails, false, {}}}, {{"addr", "text", mails, false, {}}},
                 {{"addr", "mail::text"}}, {{"mail", "addr::citext"}}),
      two_images("json", {{"j", "json", {R"({"a":1})", R"({"a": 1})", "[]", std::nullopt}, false, {}}},
                 {{"jb", "jsonb", {R"({"a": 1})", "[]", "[1.0]", "[1.00]", std::nullopt}, false, {}}},
                 {{"jb", "j::jsonb"}}, {{"j", "jb::json"}}),
      chain(),
  };
}

}  // namespace switchback::tests
