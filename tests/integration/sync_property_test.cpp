// Random interleavings of everything that images do, on several connections at once with the backfill, against the
// model. SWITCHBACK_SEED repeats a run's choices, SWITCHBACK_SECONDS lengthens each phase.
#include <iostream>
#include <thread>

#include "catch.hpp"
#include "switchback/core/error.hpp"
#include "sync_world.hpp"

namespace switchback::tests {
namespace {

/// One application session that owns its share of the keys, so that it knows what is in each of its rows.
class Writer {
 public:
  Writer(World& world, std::size_t share, std::size_t shares, std::size_t keys)
      : world_(world),
        model_(world.model()),
        session_(world.table().connect()),
        share_(share),
        shares_(shares),
        keys_(keys),
        random_(seed() * 31 + share),
        merges_(session_->server_version() >= 150000) {}

  void run(const std::atomic<bool>& stop) {
    while (!stop) {
      const std::size_t id = share_ + shares_ * below(random_, keys_ / shares_);
      try {
        one(id);
        ++world_.operations;
      } catch (const Error& error) {
        if (!transient(error)) throw;
        ++world_.retries;
      }
    }
  }

 private:
  struct Tried {
    std::string what;
    std::string sql;  ///< empty: a deletion's expectation is that the row is gone
    std::optional<Row> expected;
  };

  const Image& image() {
    const auto images = world_.images();
    return *images[below(random_, images.size())];
  }

  /// Some of the image's columns, or all, or those of two images at once.
  Writes chosen(const Image& image, bool all) {
    Writes writes;
    for (const std::string& name : image.columns) {
      const std::size_t column = model_.column(name);
      if (all || chance(random_, 0.6)) writes[column] = world_.choose(random_, column);
    }
    return writes;
  }

  static std::string list(const Writes& writes, const std::function<std::string(std::size_t, const Value&)>& each) {
    std::string out;
    for (const auto& [column, value] : writes) out += ", " + each(column, value);
    return out;
  }
  std::string names(const Writes& writes) const {
    return list(writes, [&](std::size_t column, const Value&) { return world_.name(column); });
  }
  std::string values(const Writes& writes) const {
    return list(writes, [&](std::size_t column, const Value& value) { return world_.literal(column, value); });
  }

  std::string insert_sql(std::size_t id, const Writes& writes) const {
    return "INSERT INTO t (id" + names(writes) + ") VALUES (" + std::to_string(id) + values(writes) + ")";
  }
  std::string copy_sql(std::size_t id, const Writes& writes) const {
    std::string line = std::to_string(id);
    for (const auto& [column, value] : writes) {
      line += '\t';
      for (const char c : value.value_or("\\N")) line += (c == '\\' && value) ? "\\\\" : std::string(1, c);
    }
    std::string octal;  // so that no shell and no quoting comes between
    for (const unsigned char c : line + "\n") {
      const char digits[] = {'\\', static_cast<char>('0' + (c >> 6U)), static_cast<char>('0' + ((c >> 3U) & 7U)),
                             static_cast<char>('0' + (c & 7U))};
      octal.append(digits, 4);
    }
    return "COPY t (id" + names(writes) + ") FROM PROGRAM " + quote_literal("printf '" + octal + "'");
  }
  std::string upsert_sql(std::size_t id, const Writes& writes) const {
    return insert_sql(id, writes) + " ON CONFLICT (id) DO UPDATE SET ver = t.ver + 1" +
           list(writes, [&](std::size_t column, const Value&) {
             return world_.name(column) + " = excluded." + world_.name(column);
           });
  }
  std::string merge_sql(std::size_t id, const Writes& writes) const {
    return "MERGE INTO t USING (SELECT " + std::to_string(id) +
           " AS id) AS v ON t.id = v.id WHEN MATCHED THEN UPDATE SET ver = ver + 1" +
           list(writes,
                [&](std::size_t column, const Value& value) {
                  return world_.name(column) + " = " + world_.literal(column, value);
                }) +
           " WHEN NOT MATCHED THEN INSERT (id" + names(writes) + ") VALUES (v.id" + values(writes) + ")";
  }
  std::string update_sql(std::size_t id, const Writes& writes) const {
    return "UPDATE t SET ver = ver + 1" +
           list(writes,
                [&](std::size_t column, const Value& value) {
                  return world_.name(column) + " = " + world_.literal(column, value);
                }) +
           " WHERE id = " + std::to_string(id);
  }

  Tried on_missing(std::size_t id) {
    Writes writes = chosen(image(), chance(random_, 0.8));
    const std::size_t way = below(random_, merges_ ? 6 : 5);
    if (way == 0) writes.merge(chosen(image(), true));  // both sides
    const auto expected = model_.inserted(writes);
    switch (way) {
      case 1:
        return {"COPY", copy_sql(id, writes), expected};
      case 2:
        return {"upsert of a new row", upsert_sql(id, writes), expected};
      case 5:
        return {"MERGE of a new row", merge_sql(id, writes), expected};
      default:
        return {"INSERT", insert_sql(id, writes), expected};
    }
  }

  Tried on_present(std::size_t id, const Row& known) {
    const std::size_t way = below(random_, merges_ ? 11 : 10);
    if (way == 0) return {"DELETE", "DELETE FROM t WHERE id = " + std::to_string(id), std::nullopt};
    if (way == 1)
      return {"unrelated UPDATE",
              "UPDATE t SET pad = repeat('y', " + std::to_string(below(random_, 200)) +
                  ") WHERE id = " + std::to_string(id),
              model_.updated(known, {})};
    if (way == 2 || way == 3) return whole_row(id, way == 2);
    Writes writes = chosen(image(), way == 4);
    if (way == 5) writes.merge(chosen(image(), false));  // both sides
    // NULL, or a default, over an unfilled row's own value cannot be seen: the known limit of any trigger.
    std::erase_if(writes, [&](const auto& write) { return model_.invisible(known, write.first, write.second); });
    if (way == 6) return upsert(id, known, writes);
    if (way == 10) return {"MERGE", merge_sql(id, writes), model_.updated(known, writes)};
    return {"UPDATE", update_sql(id, writes), model_.updated(known, writes)};
  }

  /// The proposed row goes through the INSERT trigger first, and EXCLUDED is what that made of it.
  Tried upsert(std::size_t id, const Row& known, const Writes& writes) {
    const auto proposed = model_.inserted(writes);
    if (!proposed) return {"upsert", upsert_sql(id, writes), std::nullopt};
    Writes taken;
    for (const auto& [column, value] : writes) {
      taken[column] = proposed->values[column];
      if (model_.invisible(known, column, taken[column]))
        return {"UPDATE", update_sql(id, {}), model_.updated(known, {})};
    }
    return {"upsert", upsert_sql(id, writes), model_.updated(known, taken)};
  }

  /// As object mappers do: read, change something, write every column that the image knows.
  Tried whole_row(std::size_t id, bool unchanged) {
    const std::optional<Row> read = world_.read(*session_, id, " FOR UPDATE");
    if (!read) throw std::logic_error("a row that only this writer deletes is gone");
    const Image& written_by = image();
    Writes writes;
    for (const std::string& name : written_by.columns) writes[model_.column(name)] = read->values[model_.column(name)];
    if (!unchanged)
      for (const auto& [column, value] : chosen(written_by, false)) writes[column] = value;
    return {"whole row", update_sql(id, writes), model_.updated(*read, writes)};
  }

  void one(std::size_t id) {
    std::optional<Row> known;
    {
      const std::lock_guard lock(world_.mutex());
      if (const auto found = world_.live().find(id); found != world_.live().end()) known = found->second;
    }
    ports::Transaction transaction(*session_, "ISOLATION LEVEL " + world_.isolation());
    const Tried tried = known ? on_present(id, *known) : on_missing(id);
    const std::string about =
        tried.what + " of row " + std::to_string(id) + " " + (known ? shown(*known) : "") + ": " + tried.sql;
    try {
      session_->exec(tried.sql);
    } catch (const Error& error) {
      if (error.sqlstate() != "23502") {
        if (!transient(error)) world_.wrong(about + ": " + error.what());
        throw;
      }
      if (tried.expected) world_.wrong(about + ": NOT NULL was violated, expected " + shown(*tried.expected));
      return;
    }
    const std::optional<Row> got = world_.read(*session_, id);
    if (got != tried.expected)
      world_.wrong(about + ": is " + (got ? shown(*got) : "gone") + ", expected " +
                   (tried.expected ? shown(*tried.expected) : "none"));
    if (chance(random_, 0.05)) return;  // rolled back: as if it had not been
    transaction.commit();
    const std::lock_guard lock(world_.mutex());
    if (got)
      world_.live()[id] = *got;
    else
      world_.live().erase(id);
  }

  World& world_;
  Model& model_;
  std::unique_ptr<ports::Session> session_;
  std::size_t share_;
  std::size_t shares_;
  std::size_t keys_;
  Random random_;
  bool merges_;
};

void phase(World& world, const std::string& name, bool filled, const std::function<void()>& work) {
  constexpr std::size_t writers = 3;
  std::vector<std::function<void(const std::atomic<bool>&)>> runs;
  for (std::size_t share = 0; share < writers; ++share)
    runs.push_back([&world, share](const std::atomic<bool>& stop) { Writer(world, share, writers, 300).run(stop); });
  together(world, std::move(runs), work);
  world.compare(name, filled);
}

long whole_life(const Kind& kind, const std::string& isolation) {
  World world(kind, isolation, 200);
  const auto wait = [] { std::this_thread::sleep_for(phase_length()); };
  for (const Kind::Step& step : kind.steps) {
    world.add_plan();
    phase(world, step.plan.name + " migrating", true, [&] {
      wait();
      world.backfill();
    });
    phase(world, step.plan.name + " migrated", true, wait);
  }
  world.hide(true);
  phase(world, "hidden", true, wait);
  world.hide(false);
  phase(world, "unhidden", true, wait);
  INFO(kind.name << ", " << isolation << ", seed " << seed() << ", " << world.operations << " operations, "
                 << world.retries << " tried again");
  CHECK(world.operations > 50);
  CHECK(world.report() == "");
  return world.operations;
}

}  // namespace

TEST_CASE("whatever images write, in any order and at once with the backfill, both sides are what the rules say",
          "[sync][property]") {
  long operations = 0;
  for (const Kind& kind : kinds())
    for (const char* isolation : {"READ COMMITTED", "SERIALIZABLE"}) operations += whole_life(kind, isolation);
  std::cout << operations << " operations\n";
}

}  // namespace switchback::tests
