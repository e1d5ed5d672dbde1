#include "switchback/engine/verifying.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "switchback/core/error.hpp"
#include "switchback/core/units.hpp"
#include "switchback/engine/gating.hpp"
#include "switchback/engine/images.hpp"
#include "switchback/engine/steps.hpp"

namespace switchback::engine {
namespace {

using nlohmann::json;

constexpr long batch_rows = 5000;

/// The hashes of one side, added up batch by batch.
class Sum {
 public:
  explicit Sum(const std::vector<SyncColumn>& side) {
    columns_.reserve(side.size());
    for (const SyncColumn& column : side) columns_.push_back(column.name);
  }
  Sum() = default;

  std::string sql(const KeyFacts& key) const {
    std::string row = "t.*";
    if (!columns_.empty()) {
      std::vector<std::string> all = key.columns;
      all.insert(all.end(), columns_.begin(), columns_.end());
      row.clear();
      for (const std::string& column : all) row += (row.empty() ? "" : ", ") + ("t." + quote_identifier(column));
    }
    constexpr std::string_view modulus = "18446744073709551616";
    return "pg_catalog.mod(pg_catalog.mod(coalesce(pg_catalog.sum(pg_catalog.hashtextextended(ROW(" + row +
           ")::pg_catalog.text, 0)::pg_catalog.numeric), 0), " + std::string(modulus) + ") + " + std::string(modulus) +
           ", " + std::string(modulus) + ")";
  }
  void add(const std::string& part) { sum_ += std::stoull(part); }  // wraps, as the modulus does

  SideSum done() const {
    std::array<char, 17> digits{};
    (void)std::snprintf(digits.data(), digits.size(), "%016llx", sum_);
    return {columns_, digits.data()};
  }

 private:
  std::vector<std::string> columns_;
  unsigned long long sum_ = 0;
};

/// Reads one table from its first row to its last, each batch a snapshot of its own.
class TableReader {
 public:
  TableReader(Workbench& bench, ResolvedSync sync, std::string search_path, bool two_sides, std::vector<Sum> sums)
      : bench_(bench),
        sync_(std::move(sync)),
        search_path_(std::move(search_path)),
        two_sides_(two_sides),
        sums_(std::move(sums)) {}

  Stop read(const std::vector<TableName>& leaves, VerifiedTable& out) {
    out.table = sync_.table;
    if (two_sides_) out.compared.emplace();
    for (const TableName& leaf : leaves) {
      std::optional<KeyValue> at;
      for (bool more = true; more;) {
        const Stop stop = bench_.outside_transaction([&](ports::Session& session) {
          if (!search_path_.empty()) session.exec(search_path_);
          const auto upper = key_bound(session, sync_.key, leaf, at, batch_rows);
          read_batch(session, range_of(sync_.key, leaf, at, upper), out);
          more = upper.has_value();
          at = upper;
        });
        if (!stop.ok()) return stop;
        if (bench_.control().stopping()) return Stop::signalled();
      }
    }
    for (const Sum& sum : sums_) out.sides.push_back(sum.done());
    return Stop::arrived();
  }

 private:
  void read_batch(ports::Session& session, const WalkBatch& batch, VerifiedTable& out) {
    std::string columns;
    for (const Sum& sum : sums_) columns += ", " + sum.sql(sync_.key);
    const auto rows = session.exec("SELECT pg_catalog.count(*)" + columns + " FROM ONLY " + quoted(batch.leaf) +
                                   " AS t WHERE " + batch.range);
    Compared compared;
    if (two_sides_) compared = compare_range(session, sync_, batch);
    // Nothing before this line is kept: a batch that broke off is read again.
    out.rows += rows.integer(0, 0);
    for (std::size_t i = 0; i < sums_.size(); ++i) sums_[i].add(rows.text(0, i + 1));
    if (out.compared) *out.compared += compared;
  }

  Workbench& bench_;
  ResolvedSync sync_;
  std::string search_path_;  ///< a statement, or nothing
  bool two_sides_;
  std::vector<Sum> sums_;
};

Stop look_at_table(Workbench& bench, const TableName& name, std::vector<VerifiedTable>& all) {
  std::optional<TableFacts> table;
  ResolvedSync sync;
  std::string search_path;
  bool two_sides = false;
  std::vector<Sum> sums;
  Stop stop = bench.outside_transaction([&](ports::Session& session) {
    sums.clear();
    table = bench.catalog().table(session, name);
    if (!table || !table->key) return;
    sync.table = name;
    sync.key = *table->key;
    const ResolvedSync* own = bench.resolved().sync_of(name);
    if (own) {
      sync = *own;
      const auto now =
          session.exec("SELECT document FROM switchback.sync WHERE plan_id = $1 AND relation = $2 AND NOT restoring",
                       {std::to_string(bench.fence().plan), std::to_string(own->oid)});
      two_sides = !now.empty();
      if (two_sides) sync.sync = sync_from_json(now.text(0, 0));
      sums.emplace_back(sync.sync.old_side);
      if (two_sides) sums.emplace_back(sync.sync.new_side);
    } else {
      sums.emplace_back();
    }
    search_path = key_search_path(session, sync.table, sync.key, "SESSION");
  });
  if (!stop.ok() || !table || !table->key) return stop;
  VerifiedTable found;
  stop = TableReader(bench, sync, search_path, two_sides, sums).read(table->leaves, found);
  if (stop.ok()) all.push_back(std::move(found));
  const Stop reset = bench.outside_transaction([](ports::Session& session) { use_safe_search_path(session); });
  return stop.ok() ? reset : stop;
}

/// A smoke test passes when the server takes it and it does not answer false.
SmokeResult run_smoke(ports::Session& session, const std::string& sql) {
  try {
    const auto rows = session.exec(sql);
    if (!rows.empty() && !rows.rows.front().empty() && rows.at(0, 0) == "f") return {sql, "it answers false"};
    return {sql, ""};
  } catch (const Error& error) {
    if (error.remedy() == Remedy::reconnect) throw;
    return {sql, std::string(error.what()) + (error.sqlstate().empty() ? "" : " (" + error.sqlstate() + ")")};
  }
}

void run_smokes(Workbench& bench, std::vector<SmokeResult>& results) {
  if (bench.plan().smoke.empty()) return;
  std::unique_ptr<ports::Session> session;
  for (const std::string& sql : bench.plan().smoke) try {
      if (!session) session = bench.surroundings().probe();
      results.push_back(run_smoke(*session, sql));
    } catch (const Error& error) {
      results.push_back({sql, std::string("it could not be run: ") + error.what()});
      session.reset();
    }
}

/// Those of the plan's images that work where it is now.
std::vector<std::string> images_of(const Plan& plan, State state) {
  std::vector<std::string> names;
  if (plan.images.before && facts(state).before == Safety::works) names.push_back(*plan.images.before);
  if (plan.images.after && facts(state).after == Safety::works) names.push_back(*plan.images.after);
  return names;
}

GateAnswer answer_for(Workbench& bench, const std::string& image) {
  return ask_gate(bench.session(), horizon_rules(bench.settings()), image, GateKind::rollback,
                  *bench.surroundings().asking);
}

std::string words_of(const GateReason& reason) {
  return (reason.structure.empty() ? "" : reason.structure + ": ") + reason.why;
}

void ask_of_images(Workbench& bench, const std::optional<std::vector<std::string>>& before,
                   std::vector<ImageResult>& results) {
  for (const std::string& image : images_of(bench.plan(), bench.record().state)) {
    const GateAnswer answer = answer_for(bench, image);
    ImageResult result{image, answer.verdict, {}, false};
    for (const GateReason& reason : answer.reasons) {
      result.reasons.push_back(words_of(reason));
      const bool own = reason.plan == bench.plan().name;
      const bool fresh =
          reason.plan.empty() && before && std::ranges::find(*before, image + " " + words_of(reason)) == before->end();
      if (answer.verdict == GateVerdict::no && !reason.unknown && (own || fresh)) result.wrong = true;
    }
    results.push_back(std::move(result));
  }
}

json json_of(const VerifiedTable& table) {
  json out{{"table", shown(table.table)}, {"rows", table.rows}, {"sides", json::array()}};
  for (const SideSum& side : table.sides)
    out["sides"].push_back({{"columns", side.columns}, {"checksum", side.checksum}});
  if (table.compared)
    out["compared"] = {{"wrong", table.compared->wrong},
                       {"quarantined", table.compared->quarantined},
                       {"both_sides", table.compared->both_sides},
                       {"unfilled", table.compared->unfilled},
                       {"samples", table.compared->samples}};
  return out;
}

}  // namespace

bool Verification::failed() const {
  return std::ranges::any_of(tables, [](const auto& table) { return table.compared && table.compared->wrong > 0; }) ||
         std::ranges::any_of(smoke, [](const auto& one) { return !one.error.empty(); }) ||
         std::ranges::any_of(images, &ImageResult::wrong);
}

std::string sentence_of(const Verification& found) {
  std::string text;
  const auto add_part = [&text](const std::string& part) { text += (text.empty() ? "" : "; ") + part; };
  for (const VerifiedTable& table : found.tables)
    add_part(show_rows(table.rows) + " of " + shown(table.table) +
             (!table.compared              ? " read"
              : table.compared->wrong == 0 ? " compared, none wrong"
                                           : " compared, " + show_count(table.compared->wrong) + " wrong"));
  const auto failed = std::ranges::count_if(found.smoke, [](const auto& one) { return !one.error.empty(); });
  if (!found.smoke.empty())
    add_part(std::to_string(found.smoke.size()) + (found.smoke.size() == 1 ? " smoke test, " : " smoke tests, ") +
             (failed == 0 ? "none failed" : std::to_string(failed) + " failed"));
  for (const ImageResult& image : found.images) add_part(image.image + ": " + std::string(name(image.verdict)));
  return text.empty() ? "there was nothing to look at" : text;
}

std::string to_json(const Verification& found) {
  json out{{"state", name(found.state)},
           {"failed", found.failed()},
           {"tables", json::array()},
           {"smoke", json::array()},
           {"images", json::array()}};
  for (const VerifiedTable& table : found.tables) out["tables"].push_back(json_of(table));
  for (const SmokeResult& one : found.smoke)
    out["smoke"].push_back({{"sql", one.sql}, {"error", one.error.empty() ? json() : json(one.error)}});
  for (const ImageResult& image : found.images)
    out["images"].push_back(
        {{"image", image.image}, {"verdict", name(image.verdict)}, {"reasons", image.reasons}, {"wrong", image.wrong}});
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string verification_words(const Plan& plan, State to) {
  std::string words = "look: count the rows" + std::string(to == State::rolled_back ? "" : ", compare both sides");
  if (!plan.smoke.empty())
    words += ", run " + std::to_string(plan.smoke.size()) + (plan.smoke.size() == 1 ? " smoke test" : " smoke tests");
  std::string names;
  for (const std::string& image : images_of(plan, to)) names += (names.empty() ? "" : " and ") + image;
  if (!names.empty()) words += ", have the server prepare the statements of " + names;
  return words + " (nothing waits for it)";
}

bool verification_owed(ports::Session& session, const PlanRecord& record) {
  // The way back's last event is its arrival; what was looked at afterwards has come after it.
  const auto rows = session.exec(
      "SELECT kind, from_state FROM switchback.event WHERE plan_id = $1 AND kind IN ('state', 'verified') ORDER BY id "
      "DESC LIMIT 1",
      {std::to_string(record.id)});
  if (rows.empty() || rows.text(0, 0) != "state") return false;
  const auto from = state_named(rows.text(0, 1));
  return from == State::unhiding || from == State::restoring || from == State::rolling_back;
}

std::vector<std::string> image_reasons(Workbench& bench, State to) {
  std::vector<std::string> all;
  for (const std::string& image : images_of(bench.plan(), to))
    for (const GateReason& reason : answer_for(bench, image).reasons) all.push_back(image + " " + words_of(reason));
  return all;
}

Stop verify_turned_back(Workbench& bench, std::optional<Verification>& found,
                        const std::optional<std::vector<std::string>>& before) {
  found.reset();
  bool owed = false;
  Stop stop = bench.outside_transaction([&](ports::Session& session) {
    bench.reload();
    owed = verification_owed(session, bench.record());
  });
  if (!stop.ok() || !owed) return stop;
  Verification now;
  now.state = bench.record().state;
  for (const TableName& table : tables_of(bench.plan())) {
    stop = look_at_table(bench, table, now.tables);
    if (!stop.ok()) return stop;
  }
  run_smokes(bench, now.smoke);
  stop = bench.outside_transaction([&](ports::Session&) {
    now.images.clear();
    ask_of_images(bench, before, now.images);
  });
  if (!stop.ok()) return stop;
  stop = bench.in_transaction([&](ports::Session& session) {
    if (verification_owed(session, bench.record())) bench.note("verified", sentence_of(now), to_json(now));
  });
  if (stop.ok()) found = std::move(now);
  return stop;
}

}  // namespace switchback::engine
