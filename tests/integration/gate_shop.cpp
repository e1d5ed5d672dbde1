#include "gate_shop.hpp"

#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>

#include "plan_view.hpp"
#include "switchback/core/error.hpp"
#include "switchback/core/sql.hpp"
#include "switchback/engine/gating.hpp"
#include "switchback/postgres/image_asking.hpp"

namespace switchback::tests {
namespace {

using nlohmann::json;

constexpr std::array words{":id", ":first", ":last", ":name", ":mail"};

/// What one request brings.
struct Request {
  std::int64_t id;
  std::int64_t number;
  std::string first() const { return "Ada" + std::to_string(number); }
  std::string last() const { return "King" + std::to_string(number); }
  std::string mail() const { return "ada" + std::to_string(number) + "@example.org"; }
  std::pair<std::string, std::string> person() const { return {first() + " " + last(), mail()}; }
};

std::string replaced(std::string text, const std::string& word, const std::string& by) {
  for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; at += by.size())
    text.replace(at, word.size(), by);
  return text;
}

std::string filled(const std::string& statement, const Request& request) {
  const std::array values{std::to_string(request.id), quote_literal(request.first()), quote_literal(request.last()),
                          quote_literal(request.person().first), quote_literal(request.mail())};
  std::string text = statement;
  for (std::size_t i = 0; i < words.size(); ++i) text = replaced(text, words.at(i), values.at(i));
  return text;
}

const std::string ordered = "INSERT INTO orders (user_id, total) SELECT id, 42 FROM users WHERE id = :id AND ";

const std::array<ShopRelease, 3> shop{
    ShopRelease{"shop:v41",
                {"INSERT INTO users (id, full_name, email) VALUES (:id, :name, :mail)", ordered + "email = :mail"},
                {"UPDATE users SET full_name = :name WHERE id = :id",
                 "INSERT INTO users (id, full_name, email) VALUES (:id, :name, :mail) ON CONFLICT (id) DO UPDATE SET "
                 "email = excluded.email"},
                {"SELECT o.id, u.full_name FROM orders o JOIN users u ON u.id = o.user_id WHERE u.email = :mail",
                 "WITH gone AS (DELETE FROM users WHERE email = 'nobody' RETURNING id, full_name) SELECT full_name "
                 "FROM gone"},
                "SELECT id, full_name, email FROM users ORDER BY id"},
    ShopRelease{"shop:v42",
                {"INSERT INTO users (id, first_name, last_name, email) VALUES (:id, :first, :last, :mail) RETURNING "
                 "first_name",
                 ordered + "email = :mail"},
                {"UPDATE users AS u SET first_name = :first, last_name = :last WHERE u.id = :id",
                 "UPDATE users SET email = :mail WHERE id = :id"},
                {"SELECT count(*) FROM users WHERE last_name LIKE 'King%' AND email IS NOT NULL"},
                "SELECT id, first_name || ' ' || last_name, email FROM users ORDER BY id"},
    ShopRelease{"shop:v43",
                {"INSERT INTO users (id, first_name, last_name, mail) VALUES (:id, :first, :last, :mail)",
                 ordered + "mail = :mail"},
                {"UPDATE users SET (first_name, last_name, mail) = (:first, :last, :mail) WHERE id = :id"},
                {"SELECT u.mail, sum(o.total) FROM users u LEFT JOIN orders o ON o.user_id = u.id WHERE u.last_name = "
                 ":last GROUP BY u.mail ORDER BY 1"},
                "SELECT id, first_name || ' ' || last_name, mail FROM users ORDER BY id"}};

People read(ports::Session& session, const ShopRelease& release) {
  const ports::Rows rows = session.exec(release.reads);
  People found;
  for (std::size_t row = 0; row < rows.size(); ++row)
    found[rows.integer(row, 0)] = {rows.text(row, 1), rows.text(row, 2)};
  return found;
}

std::string difference(const People& told, const People& read) {
  for (const auto& [id, person] : told) {
    const auto found = read.find(id);
    if (found == read.end()) return "person " + std::to_string(id) + " is not there";
    if (found->second != person)
      return "person " + std::to_string(id) + " is '" + found->second.first + "', '" + found->second.second +
             "' and not '" + person.first + "', '" + person.second + "'";
  }
  return told.size() == read.size() ? "" : "there are persons that nobody made";
}

/// The images of one look, each in a session of its own.
class Running {
 public:
  Running(const std::string& uri, std::array<GateFact, 3>& facts) : facts_(facts) {
    for (std::size_t i = 0; i < shop.size(); ++i) {
      sessions_.at(i) = application(uri, shop.at(i).image);
      sessions_.at(i)->exec("SET search_path = public");
    }
  }

  void fail(std::size_t image, const std::string& why) {
    GateFact& fact = facts_.at(image);
    if (fact.works) fact.failure = why;
    fact.works = false;
  }
  bool runs(std::size_t image, const std::vector<std::string>& statements, const Request& request) {
    for (const std::string& statement : statements) {
      try {
        sessions_.at(image)->exec(filled(statement, request));
      } catch (const Error& error) {
        fail(image, std::string(error.what()) + " at: " + statement);
        return false;
      }
    }
    return true;
  }
  std::optional<People> reads(std::size_t image) {
    try {
      return read(*sessions_.at(image), shop.at(image));
    } catch (const Error& error) {
      fail(image, error.what());
      return std::nullopt;
    }
  }
  /// Everybody who may run must find what was told; otherwise the writer has lost it, and the reader has missed it if
  /// the writer may run.
  void compare(std::size_t writer, const People& told, bool writer_may) {
    for (std::size_t reader = 0; reader < shop.size(); ++reader) {
      if (facts_.at(reader).answer != "yes") continue;
      const auto found = reads(reader);
      const std::string lost = found ? difference(told, *found) : "";
      if (lost.empty()) continue;
      if (writer_may) fail(reader, "after " + shop.at(writer).image + " wrote: " + lost);
      fail(writer, "as " + shop.at(reader).image + " reads it: " + lost);
    }
  }

 private:
  std::array<std::unique_ptr<ports::Session>, 3> sessions_;
  std::array<GateFact, 3>& facts_;
};

std::array<GateFact, 3> asked(const Tool& tool, const std::string& uri) {
  std::array<GateFact, 3> facts;
  const auto session = application(uri, "gate");
  postgres::ImageAsking asking;
  for (std::size_t i = 0; i < shop.size(); ++i) {
    const auto outcome = tool.run({"gate", "deploy", shop.at(i).image, "-o", "json", "-d", uri});
    const json answer = json::parse(outcome.out);
    facts.at(i).answer = answer.at("answer");
    facts.at(i).reasons = answer.at("reasons").dump();
    const GateAnswer back = engine::ask_gate(*session, {}, shop.at(i).image, GateKind::rollback, asking);
    if (name(back.verdict) != facts.at(i).answer)
      throw std::logic_error("gate rollback says " + std::string(name(back.verdict)));
  }
  return facts;
}

}  // namespace

std::string ShopRelease::manifest() const {
  std::string text = "image: " + image + "\nstatements:\n";
  for (const auto* list : {&births, &changes, &others})
    for (std::string statement : *list) {
      for (std::size_t i = 0; i < words.size(); ++i)
        statement = replaced(statement, words.at(i), "$" + std::to_string(i + 1));
      text += "  - " + json(statement).dump() + "\n";
    }
  return text + "  - " + json(reads).dump() + "\n";
}

const std::array<ShopRelease, 3>& releases() {
  return shop;
}

ShopWorld::ShopWorld(const Tool& tool, std::string database, int count) : uri(std::move(database)) {
  server().sql(uri,
               "CREATE TABLE users (id bigint PRIMARY KEY, full_name text NOT NULL, email text NOT NULL);"
               "CREATE INDEX users_full_name_idx ON users (full_name);"
               "CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id bigint NOT NULL "
               "REFERENCES users ON DELETE CASCADE, total integer NOT NULL)");
  const auto session = application(uri, "seed");
  for (std::int64_t id = 1; id <= count; ++id) {
    const Request request{id, id};
    session->exec(filled("INSERT INTO public.users VALUES (:id, :name, :mail)", request));
    people[id] = request.person();
  }
  const auto need = [&](const std::vector<std::string>& arguments) {
    const auto outcome = tool.run(arguments);
    if (!outcome.ok()) throw std::runtime_error(arguments.at(0) + ": " + outcome.err);
  };
  need({"init", "-d", uri});
  for (const ShopRelease& release : shop) {
    std::ofstream(tool.folder() + "/manifest.yaml") << release.manifest();
    need({"image", "add", "--manifest", "manifest.yaml", "-d", uri});
  }
}

ShopWorld ShopWorld::copy() const {
  ShopWorld copied = *this;
  const std::string ours = uri.substr(uri.rfind('/') + 1);
  copied.uri = server().fresh_database();
  const std::string theirs = copied.uri.substr(copied.uri.rfind('/') + 1);
  server().sql(server().uri(), "DROP DATABASE " + theirs);
  server().sql(server().uri(), "CREATE DATABASE " + theirs + " TEMPLATE " + ours);
  return copied;
}

void ShopWorld::drop() const {
  server().sql(server().uri(), "DROP DATABASE " + uri.substr(uri.rfind('/') + 1) + " WITH (FORCE)");
}

std::array<GateFact, 3> ShopWorld::look(const Tool& tool) {
  std::array<GateFact, 3> facts = asked(tool, uri);
  Running running(uri, facts);
  const auto may = [&](std::size_t image) { return facts.at(image).answer == "yes"; };
  std::int64_t last_born = 1;
  for (std::size_t image = 0; image < shop.size(); ++image) {
    if (!may(image)) continue;
    const Request born{next++, next};
    if (running.runs(image, shop.at(image).births, born)) people[born.id] = born.person();
    // Its own row, one that is as old as the table, and the one that the image before it made.
    for (const std::int64_t id : {born.id, 1 + next % 20, last_born}) {
      const Request change{id, next++};
      if (people.contains(id) && running.runs(image, shop.at(image).changes, change)) people[id] = change.person();
    }
    running.runs(image, shop.at(image).others, born);
    running.compare(image, people, true);
    last_born = born.id;
  }
  for (std::size_t image = 0; image < shop.size(); ++image) {
    if (may(image)) continue;
    if (const auto found = running.reads(image)) {
      const std::string lost = difference(people, *found);
      if (!lost.empty()) running.fail(image, lost);
    }
    const Request own{next++, next++};
    if (running.runs(image, shop.at(image).births, own) && running.runs(image, shop.at(image).changes, own) &&
        running.runs(image, shop.at(image).others, own)) {
      People told = people;
      told[own.id] = own.person();
      running.compare(image, told, false);
    }
    application(uri, "tidy")->exec("DELETE FROM public.users WHERE id = $1::bigint", {std::to_string(own.id)});
  }
  return facts;
}

}  // namespace switchback::tests
