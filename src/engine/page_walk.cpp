#include "switchback/engine/page_walk.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>

#include "switchback/core/error.hpp"
#include "switchback/core/stride.hpp"
#include "switchback/core/units.hpp"
#include "switchback/engine/crew.hpp"
#include "switchback/engine/filling.hpp"
#include "switchback/engine/quarantine.hpp"

namespace switchback::engine {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

/// A backfill that stands nearly all the time has no time of arrival that would mean anything.
constexpr double least_duty = 0.01;

constexpr std::string_view leaf_facts = R"sql(
SELECT coalesce(pg_catalog.pg_relation_filenode(c.oid), 0), pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::bigint,
       greatest(c.reltuples, 0), coalesce(a.amname, 'heap') = 'heap',
       (SELECT pg_catalog.count(*) FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid), c.oid
FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_am a ON a.oid = c.relam WHERE c.oid = pg_catalog.to_regclass($1))sql";

/// The place of one window's walk. Its pages are those of one file of the leaf: another file, another walk.
struct Slot {
  int number = 0;
  std::int64_t filenode = 0;
  std::int64_t window = -1;
  int pass = 0;
  int passes = 1;
  std::int64_t page = 0;   ///< the next of this pass
  std::int64_t begin = 0;  ///< the window's first page
  std::int64_t end = 0;    ///< and the first behind it
  bool finished = true;
  bool taken = false;
};

struct Leaf {
  TableName name;
  std::uint32_t oid = 0;
  std::int64_t filenode = 0;
  std::int64_t pages = 0;   ///< when the walk began
  std::int64_t window = 1;  ///< pages of one
  std::int64_t next_window = 0;
  int passes = 1;  ///< at most
  int indexes = 0;
  std::vector<std::string> touch;
  std::deque<Slot> slots;

  std::int64_t windows() const { return (pages + window - 1) / window; }
  std::int64_t begin_of(std::int64_t number) const { return number * window; }
  std::int64_t end_of(std::int64_t number) const { return std::min((number + 1) * window, pages); }
};

std::string begin_of_walk(const Leaf& leaf) {
  return json{{"file", leaf.filenode}, {"pages", leaf.pages}, {"window", leaf.window}}.dump();
}

std::string part_of(const Leaf& leaf, const Slot& slot) {
  return shown(leaf.name) + " #" + std::to_string(slot.number);
}

std::string place_of(const Slot& slot) {
  return json{{"file", slot.filenode},
              {"window", slot.window},
              {"pass", slot.pass},
              {"passes", slot.passes},
              {"page", slot.page}}
      .dump();
}

void put_place(Slot& slot, const std::string& text, bool finished) {
  const json place = json::parse(text);
  slot.filenode = place.at("file");
  slot.window = place.at("window");
  slot.pass = place.at("pass");
  slot.passes = place.at("passes");
  slot.page = place.at("page");
  slot.finished = finished;
}

/// Where the walk is after pages up to `to` of this pass.
void move_on(Slot& slot, std::int64_t to) {
  slot.page = to;
  if (to < slot.end) return;
  slot.page = slot.begin;
  if (++slot.pass >= slot.passes) slot.finished = true;
}

class PageJob;

class PageWorker final : public CrewMember {
 public:
  explicit PageWorker(PageJob& job);
  ~PageWorker() override { leave(); }
  PageWorker(const PageWorker&) = delete;
  PageWorker& operator=(const PageWorker&) = delete;

  bool batch(FencedSession& session, const Trying& trying) override;

 private:
  /// First passes, later passes and single ones differ several times in what a page costs.
  static std::size_t kind_of(const Slot& slot) { return slot.passes == 1 ? 0 : slot.pass == 0 ? 1 : 2; }
  bool take(FencedSession& session, const Trying& trying);
  void leave();
  FillCost fill(ports::Session& session, const Settings& settings, bool careful, std::int64_t to);
  void account(const Slot& before, std::int64_t pages, const FillCost& cost, std::chrono::microseconds took);

  PageJob& job_;
  Filling filling_;
  Leaf* leaf_ = nullptr;
  Slot* slot_ = nullptr;
  std::array<BatchSizer, 3> sizers_{BatchSizer(16, 1, 4096), BatchSizer(16, 1, 4096), BatchSizer(16, 1, 4096)};
  std::optional<StrideJudge> judge_;
  const Leaf* judged_leaf_ = nullptr;
  HotCount first_, later_;
};

class PageJob final : public CrewJob {
 public:
  PageJob(Workbench& bench, const ResolvedSync& of, std::string step_name, double rows_estimate)
      : plan(bench.fence().plan),
        sync(of),
        step(std::move(step_name)),
        control(bench.control()),
        plan_(bench.plan()),
        estimate_(rows_estimate) {}

  /// Reads, or writes, where the walk begins.
  void load(Workbench& bench, ports::Session& session, const std::vector<TableName>& leaves);

  std::unique_ptr<CrewMember> join() override { return std::make_unique<PageWorker>(*this); }
  void apply(const Settings& settings) override {
    const std::lock_guard lock(mutex_);
    settings_ = settings;
  }
  Progress progress() override;
  std::optional<Hold> hold() override;
  bool complete() override;

  Settings settings() {
    const std::lock_guard lock(mutex_);
    return settings_;
  }

  /// A window for a worker: one that was begun and left, or the next. Its claim is in the journal when this returns,
  /// and no later one before it: what lies below the highest claim and is not under way is done. Null: none left.
  std::pair<Leaf*, Slot*> claim(FencedSession& session, const Trying& trying, const std::function<int(Leaf&)>& passes);
  void put(Slot& slot, const Slot& value) {
    const std::lock_guard lock(claims_);
    slot = value;
  }
  void give_back(Slot& slot) {
    const std::lock_guard lock(claims_);
    slot.taken = false;
  }
  /// The leaf has another file than its walk: it begins again.
  void begin_again(Leaf& leaf, FencedSession& session, const Trying& trying);
  bool is_current(const Leaf& leaf, const Slot& slot) {
    const std::lock_guard lock(claims_);
    return slot.filenode == leaf.filenode;
  }
  void done(const FillCost& cost, double pages, std::int64_t batch_rows, std::chrono::microseconds took);

  const PlanId plan;
  const ResolvedSync& sync;
  const std::string step;
  ports::Control& control;

 private:
  struct Moment {
    Clock::time_point at;
    std::int64_t rows;
    double pages;
    std::chrono::microseconds active;
  };
  void load_leaf(ports::Session& session, Leaf& leaf);
  void store_claim(ports::Session& session, const Leaf& leaf, const Slot& slot) const;

  std::mutex claims_;  // guards leaves_, held while a claim is written
  std::deque<Leaf> leaves_;

  std::mutex mutex_;  // guards what follows
  const Plan& plan_;
  double estimate_;
  Settings settings_;
  double pages_total_ = 0;
  double pages_done_ = 0;
  std::int64_t rows_before_ = 0;
  std::int64_t rows_done_ = 0;
  std::int64_t rows_bad_ = 0;  ///< open in quarantine
  std::int64_t batch_rows_ = 0;
  std::chrono::microseconds batch_took_{};
  std::chrono::microseconds active_{};  ///< in batches, all workers together
  std::deque<Moment> moments_;          ///< of the last minute
};

void PageJob::load(Workbench& bench, ports::Session& session, const std::vector<TableName>& leaves) {
  leaves_.clear();
  pages_total_ = pages_done_ = 0;
  settings_ = bench.settings();
  rows_bad_ = open_rows(session, plan);
  rows_before_ = session
                     .exec(
                         "SELECT pg_catalog.sum(rows_done)::bigint FROM switchback.checkpoint WHERE plan_id = $1 AND "
                         "step = $2",
                         {std::to_string(plan), step})
                     .integer(0, 0);
  for (const TableName& name : leaves) {
    Leaf& leaf = leaves_.emplace_back();
    leaf.name = name;
    const auto facts = bench.catalog().table(session, name);
    if (!facts) throw Error(Exit::drift, Remedy::person, "the table " + shown(name) + " is gone");
    leaf.touch = touch_columns(*facts, sync.sync, session.server_version());
    load_leaf(session, leaf);
    pages_total_ += static_cast<double>(leaf.pages);
    pages_done_ += static_cast<double>(std::min(leaf.begin_of(leaf.next_window), leaf.pages));
  }
}

void PageJob::load_leaf(ports::Session& session, Leaf& leaf) {
  const auto now = session.exec(leaf_facts, {quoted(leaf.name)});
  if (now.empty()) throw Error(Exit::drift, Remedy::person, "the table " + shown(leaf.name) + " is gone");
  leaf.filenode = now.integer(0, 0);
  leaf.pages = now.integer(0, 1);
  leaf.indexes = static_cast<int>(now.integer(0, 4));
  leaf.oid = static_cast<std::uint32_t>(now.integer(0, 5));
  leaf.window = window_for(leaf.pages);
  leaf.passes = passes_for({session.server_version(), true, leaf.pages, now.number(0, 2), leaf.indexes > 1});
  const auto known = session.exec(
      "SELECT cursor FROM switchback.checkpoint WHERE plan_id = $1 AND step = $2 AND part = $3 AND cursor IS NOT NULL",
      {std::to_string(plan), step, shown(leaf.name)});
  const json begun = known.empty() ? json() : json::parse(known.text(0, 0));
  if (begun.is_object() && begun.at("file") == leaf.filenode) {
    leaf.pages = begun.at("pages");
    leaf.window = begun.at("window");
  } else {
    session.exec(R"sql(
INSERT INTO switchback.checkpoint (plan_id, step, part, cursor) VALUES ($1, $2, $3, $4::jsonb)
ON CONFLICT (plan_id, step, part) DO UPDATE SET cursor = excluded.cursor)sql",
                 {std::to_string(plan), step, shown(leaf.name), begin_of_walk(leaf)});
  }
  const auto rows = session.exec(
      "SELECT pg_catalog.substr(part, pg_catalog.length($3) + 1)::int, cursor, finished FROM switchback.checkpoint "
      "WHERE plan_id = $1 AND step = $2 AND pg_catalog.starts_with(part, $3) ORDER BY 1",
      {std::to_string(plan), step, shown(leaf.name) + " #"});
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Slot& slot = leaf.slots.emplace_back();
    put_place(slot, rows.text(i, 1), rows.boolean(i, 2));
    slot.number = static_cast<int>(rows.integer(i, 0));
    slot.begin = leaf.begin_of(slot.window);
    slot.end = leaf.end_of(slot.window);
    if (slot.filenode != leaf.filenode)
      slot.finished = true;
    else
      leaf.next_window = std::max(leaf.next_window, slot.window + 1);
  }
}

void PageJob::store_claim(ports::Session& session, const Leaf& leaf, const Slot& slot) const {
  session.exec(R"sql(
INSERT INTO switchback.checkpoint (plan_id, step, part, cursor) VALUES ($1, $2, $3, $4::jsonb)
ON CONFLICT (plan_id, step, part) DO UPDATE SET cursor = excluded.cursor, finished = false)sql",
               {std::to_string(plan), step, part_of(leaf, slot), place_of(slot)});
}

std::pair<Leaf*, Slot*> PageJob::claim(FencedSession& session, const Trying& trying,
                                       const std::function<int(Leaf&)>& passes) {
  const std::lock_guard lock(claims_);
  for (Leaf& leaf : leaves_) {
    for (Slot& slot : leaf.slots)
      if (!slot.finished && !slot.taken && slot.filenode == leaf.filenode) {
        slot.taken = true;
        return {&leaf, &slot};
      }
    if (leaf.next_window >= leaf.windows()) continue;
    auto free = std::ranges::find_if(leaf.slots, [](const Slot& slot) { return !slot.taken; });
    if (free == leaf.slots.end()) {
      const int number = leaf.slots.empty() ? 1 : leaf.slots.back().number + 1;
      free = leaf.slots.insert(leaf.slots.end(), Slot{});
      free->number = number;
    }
    Slot wanted = *free;
    wanted.filenode = leaf.filenode;
    wanted.window = leaf.next_window;
    wanted.pass = 0;
    wanted.passes = passes(leaf);
    wanted.page = wanted.begin = leaf.begin_of(wanted.window);
    wanted.end = leaf.end_of(wanted.window);
    wanted.finished = false;
    if (!session.attempts([&](ports::Session& now) { store_claim(now, leaf, wanted); }, true, trying)) return {};
    wanted.taken = true;
    *free = wanted;
    ++leaf.next_window;
    return {&leaf, &*free};
  }
  return {};
}

void PageJob::begin_again(Leaf& leaf, FencedSession& session, const Trying& trying) {
  const std::lock_guard lock(claims_);
  Leaf fresh;
  const bool stored = session.attempts(
      [&](ports::Session& now) {
        const auto facts = now.exec(leaf_facts, {quoted(leaf.name)});
        if (facts.empty()) throw Error(Exit::drift, Remedy::person, "the table " + shown(leaf.name) + " is gone");
        fresh.filenode = facts.integer(0, 0);
        fresh.pages = facts.integer(0, 1);
        fresh.window = window_for(fresh.pages);
        if (fresh.filenode == leaf.filenode) return;  // another worker was here first
        now.exec("UPDATE switchback.checkpoint SET cursor = $4::jsonb WHERE plan_id = $1 AND step = $2 AND part = $3",
                 {std::to_string(plan), step, shown(leaf.name), begin_of_walk(fresh)});
      },
      true, trying);
  if (!stored || fresh.filenode == leaf.filenode) return;
  leaf.filenode = fresh.filenode;
  leaf.pages = fresh.pages;
  leaf.window = fresh.window;
  leaf.next_window = 0;
}

void PageJob::done(const FillCost& cost, double pages, std::int64_t batch_rows, std::chrono::microseconds took) {
  const std::lock_guard lock(mutex_);
  rows_done_ += cost.rows_filled + cost.rows_bad;
  rows_bad_ += cost.rows_bad;
  pages_done_ += pages;
  batch_rows_ = batch_rows;
  batch_took_ = took;
  active_ += took;
}

std::optional<Hold> PageJob::hold() {
  const std::lock_guard lock(mutex_);
  return over_budget(settings_, plan_, sync.table, rows_bad_, estimate_);
}

bool PageJob::complete() {
  const std::lock_guard lock(claims_);
  return std::ranges::all_of(leaves_, [](const Leaf& leaf) {
    return leaf.next_window >= leaf.windows() && std::ranges::all_of(leaf.slots, [&](const Slot& slot) {
             return slot.finished || slot.filenode != leaf.filenode;
           });
  });
}

Progress PageJob::progress() {
  const std::lock_guard lock(mutex_);
  const auto now = Clock::now();
  moments_.push_back({now, rows_done_, pages_done_, active_});
  while (moments_.size() > 2 && now - moments_.front().at > std::chrono::minutes(1)) moments_.pop_front();
  const Moment& then = moments_.front();
  const double seconds = std::chrono::duration<double>(now - then.at).count();
  Progress progress;
  progress.step = step;
  progress.rows_done = rows_before_ + rows_done_;
  progress.rows_estimate = static_cast<std::int64_t>(std::max(estimate_, static_cast<double>(progress.rows_done)));
  progress.batch_rows = batch_rows_;
  progress.batch_ms = std::chrono::duration<double, std::milli>(batch_took_).count();
  progress.quarantined = rows_bad_;
  if (seconds > 0) progress.rows_per_second = static_cast<double>(rows_done_ - then.rows) / seconds;
  // By pages, which is exact; over the last minute, so that pauses and rests count as what they are.
  const double pages_per_second = seconds > 0 ? (pages_done_ - then.pages) / seconds : 0;
  const double duty = seconds > 0 ? std::chrono::duration<double>(active_ - then.active).count() / seconds : 0;
  if (pages_per_second > 0 && duty >= least_duty)
    progress.eta_seconds = static_cast<std::int64_t>(std::max(0.0, pages_total_ - pages_done_) / pages_per_second);
  return progress;
}

PageWorker::PageWorker(PageJob& job) : job_(job), filling_(job.plan, job.step, job.sync) {}

void PageWorker::leave() {
  if (slot_) job_.give_back(*slot_);
  slot_ = nullptr;
  leaf_ = nullptr;
}

bool PageWorker::take(FencedSession& session, const Trying& trying) {
  const auto [leaf, slot] = job_.claim(session, trying, [this](Leaf& of) {
    if (judged_leaf_ != &of) judge_.emplace(of.passes);
    judged_leaf_ = &of;
    return judge_->passes();
  });
  leaf_ = leaf;
  slot_ = slot;
  first_ = later_ = {};
  return slot_ != nullptr;
}

FillCost PageWorker::fill(ports::Session& session, const Settings& settings, bool careful, std::int64_t to) {
  const std::string range = page_range_sql("t", slot_->page, to, slot_->pass, slot_->passes);
  return careful ? filling_.fill_carefully(session, settings, leaf_->name, range)
                 : filling_.fill(session, settings, leaf_->name, range,
                                 settings.gentle ? std::vector<std::string>{} : leaf_->touch);
}

bool PageWorker::batch(FencedSession& session, const Trying& trying) {
  if (slot_ && (slot_->finished || !job_.is_current(*leaf_, *slot_))) leave();
  if (!slot_ && !take(session, trying)) return false;
  const Settings settings = job_.settings();
  BatchSizer& sizer = sizers_[kind_of(*slot_)];
  Slot after;
  FillCost cost;
  std::int64_t pages = 0;
  std::chrono::microseconds took{};
  bool other_file = false;
  const auto attempt = [&](bool careful) {
    int tries = 0;
    return session.attempts(
        [&](ports::Session& now) {
          const std::vector<ports::Value> key{std::to_string(job_.plan), job_.step, part_of(*leaf_, *slot_)};
          pages = 0;
          cost = {};
          if (tries++ > 0) {
            sizer.halve();
            // The commit may have counted although its answer was lost.
            const auto there = now.exec(
                "SELECT cursor, finished FROM switchback.checkpoint WHERE plan_id = $1 AND step = $2 AND part = $3",
                key);
            Slot known = *slot_;
            put_place(known, there.text(0, 0), there.boolean(0, 1));
            job_.put(*slot_, known);
          }
          after = *slot_;
          if (slot_->finished) return;
          const std::int64_t to = std::min(slot_->page + sizer.size(), slot_->end);
          pages = to - slot_->page;
          const auto begun = Clock::now();
          cost = fill(now, settings, careful, to);
          took = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begun);
          move_on(after, to);
          std::vector<ports::Value> values = key;
          values.insert(values.end(), {place_of(after), after.finished ? "t" : "f",
                                       std::to_string(cost.rows_filled + cost.rows_bad), std::to_string(cost.rows_bad),
                                       std::to_string(took.count()) + " us", std::to_string(leaf_->oid)});
          // The batch holds a lock on the leaf, so that the file it has now is the one whose pages were walked.
          const auto file = now.exec(R"sql(
UPDATE switchback.checkpoint SET cursor = $4::jsonb, finished = $5, rows_done = rows_done + $6, rows_bad = rows_bad + $7,
  active = active + $8::interval, updated_at = pg_catalog.clock_timestamp()
WHERE plan_id = $1 AND step = $2 AND part = $3 RETURNING coalesce(pg_catalog.pg_relation_filenode($9::oid), 0))sql",
                                     values);
          other_file = file.empty() || file.integer(0, 0) != slot_->filenode;
        },
        true, trying);
  };
  try {
    if (!attempt(false)) return false;
  } catch (const Error& error) {
    if (error.remedy() != Remedy::data) throw;
    if (!attempt(true)) return false;
  }
  const Slot before = *slot_;
  job_.put(*slot_, after);
  account(before, pages, cost, took);
  if (other_file) {
    job_.begin_again(*leaf_, session, trying);
    leave();
  }
  return true;
}

void PageWorker::account(const Slot& before, std::int64_t pages, const FillCost& cost, std::chrono::microseconds took) {
  if (pages == 0) return;
  const Settings settings = job_.settings();
  const auto target = job_.sync.batch.target.value_or(settings.batch_target);
  sizers_[kind_of(before)].observe(pages, took, cost.wal_bytes, batch_target(target, settings.gentle),
                                   job_.sync.batch.max_wal.value_or(settings.batch_max_wal));
  // A record for the row lock that its BEFORE UPDATE trigger needs (GetTupleForTrigger in the server's trigger.c), one
  // for its new version, and one for each index that had to be told of it.
  const double records = static_cast<double>(cost.wal_records - 2 * cost.rows_filled) / std::max(1, leaf_->indexes);
  const double hot = static_cast<double>(cost.rows_filled) - std::max(0.0, records);
  (before.pass == 0 ? first_ : later_) += {cost.rows_filled, static_cast<std::int64_t>(std::max(0.0, hot))};
  job_.control.wrote(cost.wal_bytes);
  job_.done(cost, static_cast<double>(pages) / before.passes, cost.rows_filled + cost.rows_bad, took);
  if (slot_->finished && judge_ && judged_leaf_ == leaf_) judge_->window_done(before.passes, first_, later_);
}

}  // namespace

std::vector<TableName> leaves_by_page(Workbench& bench, ports::Session& session, const TableFacts& table,
                                      const std::string& step) {
  std::vector<TableName> found;
  for (const TableName& leaf : table.leaves) {
    const auto facts = session.exec(leaf_facts, {quoted(leaf)});
    if (facts.empty()) continue;
    const HeapFacts heap{session.server_version(), facts.boolean(0, 3), facts.integer(0, 1), facts.number(0, 2),
                         facts.integer(0, 4) > 1};
    const auto walked = session.exec(
        "SELECT finished OR pg_catalog.jsonb_typeof(cursor) = 'array' FROM switchback.checkpoint WHERE plan_id = $1 "
        "AND step = $2 AND part = $3",
        {std::to_string(bench.fence().plan), step, shown(leaf)});
    if (walks_by_page(heap) && (walked.empty() || !walked.boolean(0, 0))) found.push_back(leaf);
  }
  return found;
}

Stop fill_by_page(Workbench& bench, const ResolvedSync& sync, const std::string& step,
                  const std::vector<TableName>& leaves, double rows_estimate) {
  PageJob job(bench, sync, step, rows_estimate);
  const Stop stop = bench.in_transaction([&](ports::Session& session) { job.load(bench, session, leaves); });
  return stop.ok() ? work_off(bench, job) : stop;
}

}  // namespace switchback::engine
