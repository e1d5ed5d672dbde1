#include "switchback/daemon/drive.hpp"

#include <algorithm>

#include "detectors.hpp"
#include "plan_settings.hpp"
#include "standbys.hpp"
#include "switchback/core/change.hpp"
#include "switchback/core/error.hpp"
#include "switchback/daemon/alert_poller.hpp"
#include "switchback/daemon/backups.hpp"
#include "switchback/daemon/brownout_guard.hpp"
#include "switchback/daemon/notifier.hpp"
#include "switchback/daemon/schema_clone.hpp"
#include "switchback/daemon/watch.hpp"
#include "switchback/engine/brownout.hpp"
#include "switchback/engine/contracting.hpp"
#include "switchback/engine/explaining.hpp"
#include "switchback/engine/guard.hpp"
#include "switchback/engine/journal_schema.hpp"
#include "switchback/engine/lease.hpp"
#include "switchback/engine/losing.hpp"
#include "switchback/engine/migrating.hpp"
#include "switchback/engine/notifying.hpp"
#include "switchback/engine/registering.hpp"
#include "switchback/engine/rekeying.hpp"
#include "switchback/engine/stepper.hpp"
#include "switchback/engine/steps.hpp"
#include "switchback/engine/turning_back.hpp"
#include "switchback/engine/verifying.hpp"
#include "switchback/engine/workbench.hpp"
#include "switchback/plan_file/plan_reader.hpp"
#include "switchback/plan_file/plan_writer.hpp"
#include "switchback/postgres/catalog.hpp"
#include "switchback/postgres/image_asking.hpp"
#include "switchback/postgres/pgbouncer.hpp"
#include "switchback/postgres/session.hpp"
#include "switchback/postgres/usage.hpp"

namespace switchback::daemon {
namespace {

using engine::PlanRecord;
using engine::Workbench;

postgres::ConnectOptions options_for(const Settings& settings, const std::string& who) {
  postgres::ConnectOptions options;
  options.database = settings.database;
  options.application_name = "switchback " + who;
  options.lock_timeout = settings.lock_timeout;
  return options;
}

std::unique_ptr<ports::Session> probe_session(const Settings& settings) {
  auto options = options_for(settings, "probe");
  options.read_only = true;
  options.users_sql = true;
  return postgres::connect(options);
}

/// As a plan's author tried it in psql; it must not take for ever.
std::unique_ptr<ports::Session> smoke_session(const Settings& settings) {
  auto session = probe_session(settings);
  session->exec("RESET search_path; SET statement_timeout = '60s'");
  return session;
}

std::unique_ptr<ports::Session> connect_to_replica(const Settings& settings, const std::string& connection) {
  auto options = options_for(settings, "watch");
  options.database = connection;
  options.statement_timeout = std::chrono::milliseconds(2000);
  options.connect_timeout = std::chrono::seconds(3);
  return postgres::connect(options);
}

/// For usage evidence: what a busy server needs to hand out all its statements is still no reason to wait for long.
std::unique_ptr<ports::Session> connect_to_sample(const Settings& settings, const std::string& connection,
                                                  const std::string& database) {
  auto options = options_for(settings, "usage");
  options.database = connection;
  options.dbname = database;
  options.statement_timeout = std::chrono::milliseconds(10000);
  options.connect_timeout = std::chrono::seconds(3);
  return postgres::connect(options);
}

/// The plan as it was started: with its short forms expanded against the schema of that moment.
Plan plan_of(const PlanRecord& record) {
  ReadPlan read = read_plan(record.long_form, record.file);
  if (!read.plan)
    throw Error(Exit::failed, Remedy::bug,
                "the journal's text of plan " + record.name +
                    " cannot be read: " + (read.diagnostics.empty() ? "" : read.diagnostics.front().message));
  read.plan->file = record.file;
  read.plan->text = record.text;
  read.plan->hash = record.hash;
  return std::move(*read.plan);
}

Plan expanded(Plan plan, ports::Session& session, ports::Catalog& catalog) {
  return expand_changes(
      std::move(plan), [&](const TableName& name) { return catalog.table(session, name); },
      [&](const TableName& name) { return engine::key_surroundings(session, name); });
}

std::unique_ptr<ports::SchemaClone> schema_clone(const Settings& settings) {
  return make_schema_clone({settings.database, settings.scratch, settings.scratch_none, settings.lock_timeout});
}

/// Everything that drives one plan, wired: sessions, catalog, usage, watch, engine.
class Driver {
 public:
  Driver(const DriveRequest& request, const Settings& settings, bool drives)
      : request_(request),
        settings_(settings),
        watch_(
            [settings] {
              auto options = options_for(settings, "watch");
              options.statement_timeout = std::chrono::milliseconds(2000);
              options.synchronous_commit = false;  // no heartbeat may wait for a standby that is gone
              return postgres::connect(options);
            },
            drives, [settings](const std::string& connection) { return connect_to_replica(settings, connection); }),
        standbys_(settings.replica_connect,
                  [settings](const std::string& connection, const std::string& database) {
                    return connect_to_sample(settings, connection, database);
                  }),
        session_(connect()) {}

  ports::Session& session() { return *session_; }
  ports::Catalog& catalog() { return catalog_; }

  template <class Work>
  DriveOutcome drive(const PlanRecord& record, Work work) {
    DriveOutcome outcome;
    if (const std::string problem = begin_telling(); !problem.empty()) outcome.reports.push_back(problem);
    const engine::Fence fence = engine::acquire_lease(*session_, request_.actor, record, settings_.lease);
    undo_left_over(record.id);
    const Plan plan = plan_of(engine::require_plan(*session_, record.name));
    const auto known = session_->exec("SELECT coalesce(pg_catalog.max(id), 0) FROM switchback.event").integer(0, 0);
    watch_.start(fence, settings_for(request_, &plan), engine::tables_of(plan));
    Workbench bench(surroundings(), std::move(session_), fence, plan);
    try {
      fill_outcome(outcome, bench, work(bench));
      for (const auto& event : engine::events(bench.session(), record.id, known))
        if (event.kind == "backfilled" || event.kind == "verified") outcome.reports.push_back(event.reason);
    } catch (const Error& error) {
      if (error.exit() != Exit::busy) release(bench, fence);
      throw;
    }
    release(bench, fence);
    return outcome;
  }

  /// From now on they, and the plan's conditions for turning back, hold as replication does. To be called while
  /// driving: then the lease is kept meanwhile.
  void heed_alerts(const Plan& plan) {
    alerts_ = poller(request_.alerts);
    std::vector<AlertSource> asked;
    for (const AlertSource& source : plan.turn_back)
      if (source.kind == AlertSource::Kind::health)
        health_conditions_.push_back(source.query);
      else
        asked.push_back(source);
    conditions_ = poller(asked);
  }

  /// A workbench for looking only: no lease, nothing is written.
  template <class Look>
  auto look(const PlanRecord& record, Look look_at) {
    const Plan plan = plan_of(record);
    Workbench bench(surroundings(), std::move(session_), engine::Fence{record.id, 0}, plan);
    return look_at(bench);
  }

 private:
  std::unique_ptr<ports::Session> connect() const { return postgres::connect(options_for(settings_, "runner")); }

  std::unique_ptr<AlertPoller> poller(const std::vector<AlertSource>& sources) {
    if (sources.empty()) return nullptr;
    auto made = std::make_unique<AlertPoller>(sources, [settings = settings_](const std::string& replica) {
      Settings target = settings;
      if (!replica.empty()) {
        const auto known = settings.replica_connect.find(replica);
        if (known == settings.replica_connect.end()) return std::unique_ptr<ports::Session>();
        target.database = known->second;
      }
      return probe_session(target);
    });
    watch_.add_source([asked = made.get()] { return asked->latest(); });
    return made;
  }

  /// What a dead runner of this plan left revoked, and what of others is past its time, is given back first of all.
  void undo_left_over(engine::PlanId plan) {
    engine::undo_brownouts(*session_, request_.actor, plan, false, "the runner that took the plan over");
    engine::undo_brownouts(*session_, request_.actor, std::nullopt, true, "a runner that found it overdue");
  }

  ports::BrownoutSurroundings brownout() const {
    return {[this](const std::string& plan) { return post_guard(settings_, request_.actor, plan); },
            [this](const std::vector<TableName>& tables) {
              const auto log = settings_.brownout_log;
              return make_detectors(
                  log, request_.alerts, [this] { return connect(); }, tables);
            }};
  }

  engine::Surroundings surroundings() {
    std::vector<std::pair<std::string, std::string>> despite;
    for (const Despite& one : request_.despite) despite.emplace_back(one.what, one.reason);
    std::vector<ports::SampledPooler> poolers;
    for (const std::string& connection : settings_.pgbouncer)
      poolers.push_back({postgres::pooler_name(connection), connection});
    return {catalog_,
            watch_,
            *usage_,
            [this] { return connect(); },
            request_.settings,
            request_.actor,
            request_.wait,
            request_.consent,
            despite,
            request_.on_progress,
            [this](const std::string& database) { return standbys_.sessions(database); },
            poolers,
            brownout(),
            read_backup,
            [this] { return condition_readings(); },
            [settings = settings_] { return smoke_session(settings); },
            &asking_};
  }

  std::vector<Signal> condition_readings() const {
    std::vector<Signal> all = watch_.readings(health_conditions_);
    if (conditions_) {
      const std::vector<Signal> asked = conditions_->latest();
      all.insert(all.end(), asked.begin(), asked.end());
    }
    return all;
  }

  void fill_outcome(DriveOutcome& outcome, Workbench& bench, const engine::Stop& stop) {
    if (stop.why == engine::Stop::Why::signalled) {
      outcome.signal = watch_.signal();
      outcome.exit = Exit::failed;
      outcome.state = bench.record().state;
      return;
    }
    if (stop.why == engine::Stop::Why::held) {
      bench.show_hold(stop.hold);
      outcome.hold = stop.hold;
      outcome.exit = exit_of(stop.hold->kind);
    } else {
      bench.show_hold(std::nullopt);
    }
    bench.reload();
    outcome.state = bench.record().state;
  }

  /// Why nobody can be told; the plan is driven all the same.
  std::string begin_telling() {
    if (request_.notify.empty()) return "";
    try {
      engine::enrol_targets(*session_, request_.notify);
    } catch (const Error& error) {
      if (error.remedy() == Remedy::reconnect) throw;
      session_->rollback();
      return std::string("nobody can be notified: ") + error.what();
    }
    notifier_ = std::make_unique<Notifier>(
        request_.notify, [settings = settings_] { return postgres::connect(options_for(settings, "notifier")); });
    return "";
  }

  void release(Workbench& bench, const engine::Fence& fence) {
    try {
      engine::release_lease(bench.session(), fence);
    } catch (const Error&) {  // it runs out by itself
    }
  }

  const DriveRequest& request_;
  Settings settings_;
  postgres::PostgresCatalog catalog_;
  std::unique_ptr<ports::SchemaClone> clone_ = schema_clone(settings_);
  std::unique_ptr<ports::UsageSource> usage_ = postgres::make_usage_source(clone_.get());
  postgres::ImageAsking asking_;
  std::unique_ptr<AlertPoller> alerts_;
  std::unique_ptr<AlertPoller> conditions_;
  std::vector<std::string> health_conditions_;
  std::unique_ptr<Notifier> notifier_;
  Watch watch_;
  Standbys standbys_;
  std::unique_ptr<ports::Session> session_;
};

PlanRecord registered(Driver& driver, const Plan& plan, const DriveRequest& request, const Settings& settings) {
  ports::Session& session = driver.session();
  engine::ensure_journal(session);
  const auto found = engine::find_plan(session, plan.name);
  if (found && found->state != State::rolled_back)
    return engine::register_plan(session, driver.catalog(), plan, found->long_form, settings, request.actor);
  const Plan whole = expanded(plan, session, driver.catalog());
  return engine::register_plan(session, driver.catalog(), whole, to_yaml(whole), settings, request.actor);
}

PlanRecord known(Driver& driver, const std::string& name) {
  engine::require_readable_journal(driver.session());
  return engine::require_plan(driver.session(), name);
}

void refuse_losses(Workbench& bench, State to) {
  if (to == State::migrated || bench.despite("loss")) return;
  const auto losses = engine::rollback_losses(bench, to);
  if (losses.empty()) return;
  std::string all;
  for (const std::string& loss : losses) all += (all.empty() ? "" : "; ") + loss;
  throw Error(Exit::refused, Remedy::person, "turning back would lose data: " + all,
              "switchback rollback " + bench.plan().name +
                  " --despite loss --reason …, or stay at migrated, where both images work");
}

/// Of images that need what would go. The override goes on record with what it passes over.
void refuse_images(Workbench& bench, State to) {
  if (to != State::rolled_back || bench.settings().environment == Environment::development) return;
  const auto images = engine::way_back_images(bench);
  if (images.empty()) return;
  std::string all;
  for (const std::string& line : images) all += (all.empty() ? "" : "; ") + line;
  if (bench.despite("horizon")) {
    bench.note("horizon_overridden", *bench.despite("horizon"), engine::passed_over(images));
    return;
  }
  throw Error(Exit::refused, Remedy::person, "turning back would take away what an image needs: " + all,
              "switchback rollback " + bench.plan().name +
                  " --despite horizon --reason …, or stay at migrated, where both images work");
}

}  // namespace

DriveOutcome run_plan(const Plan& plan, std::optional<State> target, const DriveRequest& request) {
  const Settings settings = settings_for(request, &plan);
  Driver driver(request, settings, true);
  const PlanRecord record = registered(driver, plan, request, settings);
  return driver.drive(record, [&](Workbench& bench) {
    driver.heed_alerts(bench.plan());
    return engine::drive_forward(bench, target.value_or(engine::default_target(bench.plan())));
  });
}

TurnBack plan_rollback(const std::string& name, State to, const DriveRequest& request) {
  Driver driver(request, settings_for(request, nullptr), false);
  const PlanRecord record = known(driver, name);
  return driver.look(record, [&](Workbench& bench) {
    TurnBack out;
    if (bench.record().state == to) {
      out.steps = {engine::verification_words(bench.plan(), to)};
      return out;
    }
    engine::refuse_rollback(bench, to);
    out.steps = engine::rollback_words(bench, to);
    if (!out.steps.empty()) out.steps.push_back(engine::verification_words(bench.plan(), to));
    if (to != State::migrated) out.losses = engine::rollback_losses(bench, to);
    if (to == State::rolled_back) {
      engine::refuse_while_depended_on(bench);
      out.images = engine::way_back_images(bench);
      out.uses = engine::way_back_uses(bench);
    }
    out.seconds = engine::rollback_seconds(bench, to);
    return out;
  });
}

DriveOutcome rollback_plan(const std::string& name, State to, const DriveRequest& request) {
  Driver driver(request, settings_for(request, nullptr), true);
  const PlanRecord record = known(driver, name);
  engine::ensure_journal(driver.session());
  std::optional<engine::Verification> found;
  const auto turn_back = [&](Workbench& bench) {
    if (bench.record().state == to) return engine::Stop::arrived();
    engine::refuse_rollback(bench, to);
    if (engine::is_contracting_side(bench.record().state) || to == State::migrated) {
      const engine::Stop stop = engine::drive_back(bench, State::migrated);
      if (!stop.ok() || to == State::migrated) return stop;
    }
    if (bench.record().state != State::rolling_back || !engine::is_headed(bench.record(), to)) {
      if (to == State::rolled_back) engine::refuse_while_depended_on(bench);
      refuse_images(bench, to);
      refuse_losses(bench, to);
    }
    return engine::drive_back(bench, to);
  };
  DriveOutcome outcome = driver.drive(record, [&](Workbench& bench) {
    std::optional<std::vector<std::string>> before;
    if (bench.record().state != to) before = engine::image_reasons(bench, to);
    const engine::Stop stop = turn_back(bench);
    return stop.ok() ? engine::verify_turned_back(bench, found, before) : stop;
  });
  if (found && found->failed()) outcome.exit = Exit::failed;
  outcome.verified = std::move(found);
  return outcome;
}

bool is_turned_back(const std::string& name, State to, const DriveRequest& request) {
  Driver driver(request, settings_for(request, nullptr), false);
  const PlanRecord record = known(driver, name);
  return record.state == to && !engine::verification_owed(driver.session(), record);
}

Comparison verify_plan(const std::string& name, const DriveRequest& request) {
  Driver driver(request, settings_for(request, nullptr), false);
  const PlanRecord record = known(driver, name);
  const engine::Compared found = engine::compare_now(driver.session(), driver.catalog(), record);
  return {found.rows, found.wrong, found.both_sides, found.quarantined, found.unfilled, found.samples};
}

Explained explain_plan(const Plan& plan, const DriveRequest& request, bool online) {
  if (!online) return engine::explain(plan, nullptr, nullptr, settings_for(request, &plan));
  const Settings settings = settings_for(request, &plan);
  auto session = postgres::connect(options_for(settings, "explain"));
  postgres::PostgresCatalog catalog;
  Plan whole = plan;
  if (engine::journal_version_in(*session))
    if (const auto found = engine::find_plan(*session, plan.name); found && found->state != State::rolled_back) {
      if (found->hash != plan.hash)
        throw Error(Exit::drift, Remedy::person,
                    "the plan " + plan.name + " was started with another text, sha256:" + found->hash.substr(0, 12) +
                        "…; this file is sha256:" + plan.hash.substr(0, 12) + "…",
                    "put the file back as it was, or give the changed one another name (switchback repair " +
                        plan.name +
                        " --plan FILE accepts a text with the same steps); --offline explains the text alone");
      whole = plan_of(*found);
    }
  whole = expanded(std::move(whole), *session, catalog);
  Explained out = engine::explain(whole, session.get(), &catalog, settings);
  const auto clone = schema_clone(settings);
  engine::explain_images(out, whole, *session, *postgres::make_usage_source(clone.get()), settings);
  return out;
}

engine::UsageReport usage_of(const std::string& name, const DriveRequest& request) {
  Driver driver(request, settings_for(request, nullptr), false);
  const PlanRecord record = known(driver, name);
  return driver.look(record, [](Workbench& bench) { return engine::judge_usage(bench); });
}

}  // namespace switchback::daemon
