#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "json_text.hpp"
#include "switchback/cli/render.hpp"
#include "switchback/core/units.hpp"

namespace switchback::cli {
namespace {

/// Where sync has kept two sides in step its end takes something away too: what the image before writes afterwards the
/// one after does not read.
ImageSafety safety_of(const engine::PlanRecord& plan) {
  const Json resolved = Json::parse(plan.resolved, nullptr, false);
  const bool synced = resolved.is_object() && !resolved.value("sync", Json::array()).empty();
  return image_safety(plan.state, plan.takes_away || synced);
}

using engine::PlanRecord;

std::string age(std::string_view since, Instant now) {
  const auto at = parse_iso(since);
  if (!at) return "";
  // The server's clock may be ahead of ours.
  const auto passed = std::chrono::floor<std::chrono::seconds>(std::max(now - *at, Instant::duration::zero()));
  return show_duration(passed);
}

int percent(const engine::Progress& progress) {
  if (progress.rows_estimate <= 0) return 0;
  const double share = static_cast<double>(progress.rows_done) / static_cast<double>(progress.rows_estimate);
  // The estimate may be low; only the state says that it is over.
  return static_cast<int>(std::clamp(share * 100.0, 0.0, 99.0));
}

/// "users 12.5M of ~43.1M  29%".
std::string extent(const engine::Progress& progress) {
  std::string step = progress.step;
  constexpr std::string_view usual = "backfill ";
  if (step.starts_with(usual)) step.erase(0, usual.size());
  if (progress.rows_estimate <= 0 && progress.rows_done <= 0) return step;
  std::string text = step + " " + show_count_short(static_cast<double>(progress.rows_done));
  if (progress.rows_estimate > 0)
    text += " of ~" + show_count_short(static_cast<double>(progress.rows_estimate)) + "  " +
            std::to_string(percent(progress)) + "%";
  return text;
}

std::string pace(const engine::Progress& progress) {
  std::string text;
  const auto add = [&text](const std::string& part) { text += "  " + part; };
  if (progress.rows_per_second > 0) add(show_count(std::llround(progress.rows_per_second)) + " rows/s");
  if (progress.batch_rows > 0)
    add("batch " + show_count(progress.batch_rows) + " in " + std::to_string(std::llround(progress.batch_ms)) + " ms");
  if (!progress.worst_lag.empty()) add("worst lag " + progress.worst_lag);
  if (progress.quarantined > 0) add("quarantined " + show_count(progress.quarantined));
  for (const std::string& reason : progress.slowed_by) add("slowed: " + reason);
  if (progress.eta_seconds) add("ETA " + show_duration(std::chrono::seconds(*progress.eta_seconds)));
  return text;
}

bool moves_rows(State state) {
  return !facts(state).resting;
}

std::string image_word(const std::optional<std::string>& image, std::string_view side, Safety safety, Paint paint) {
  const std::string text = std::string(side) + (image ? " " + printable(*image) : "") + ": ";
  switch (safety) {
    case Safety::works:
      return text + paint.good(word(safety));
    case Safety::unsafe:
      return text + paint.warn(word(safety));
    case Safety::breaks:
      return text + paint.bad(word(safety));
  }
  return text;
}

void add_row(std::string& text, std::string_view label, const std::string& value, Paint paint) {
  text += "  " + paint.dim(std::string(label) + std::string(10 - label.size(), ' ')) + value + "\n";
}

std::string undoes(const PlanRecord& plan, const std::vector<engine::RollForward>& undone) {
  for (const engine::RollForward& one : undone)
    if (one.inverse == plan.name) return one.original;
  return "";
}

std::string undone_by(const PlanRecord& plan, const std::vector<engine::RollForward>& undone) {
  for (const engine::RollForward& one : undone)
    if (one.original == plan.name) return one.inverse;
  return "";
}

std::string plan_text(const PlanRecord& plan, Instant now, Paint paint,
                      const std::vector<engine::RollForward>& undone) {
  std::string text = paint.bold(plan.name) + "  " + std::string(name(plan.state)) + "  " +
                     paint.dim("for " + age(plan.state_since, now) + ", since " + plan.state_since) + "\n";
  add_row(text, "that is", std::string(facts(plan.state).truth), paint);
  if (const std::string other = undoes(plan, undone); !other.empty()) add_row(text, "undoes", other, paint);
  if (const std::string other = undone_by(plan, undone); !other.empty()) add_row(text, "undone by", other, paint);
  if (plan.progress && moves_rows(plan.state))
    add_row(text, "progress", printable(extent(*plan.progress) + pace(*plan.progress)), paint);
  if (const auto shown = hold_of(plan)) {
    add_row(text, "held",
            paint.warn(std::string(name(shown->hold.kind))) + " for " + age(shown->since, now) + ": " +
                printable(shown->hold.reason),
            paint);
    for (const std::string& reason : shown->hold.reasons)
      if (reason != shown->hold.reason) add_row(text, "and", printable(reason), paint);
    add_row(text, "ends when", printable(shown->hold.ends_when), paint);
  }
  if (plan.brownout)
    add_row(text, "brownout",
            paint.warn("nobody may use the old columns") + " for " +
                show_duration(std::chrono::seconds(plan.brownout->seconds_left)) + " more of " +
                show_duration(std::chrono::seconds(plan.brownout->seconds)) + "; undone by " + plan.brownout->deadline +
                ", if the runner dies by " + printable(plan.brownout->guard),
            paint);
  const ImageSafety safety = safety_of(plan);
  add_row(text, "images",
          image_word(plan.images.before, "before", safety.before, paint) + "   " +
              image_word(plan.images.after, "after", safety.after, paint),
          paint);
  if (plan.runner && !plan.runner->released)
    add_row(text, "runner",
            printable(plan.runner->host) + " process " + std::to_string(plan.runner->pid) + ", epoch " +
                std::to_string(plan.runner->epoch) + ", heard of " + age(plan.runner->heartbeat, now) + " ago" +
                (plan.runner->alive ? "" : ": " + paint.warn("its lease has run out")),
            paint);
  add_row(text, "hash", "sha256:" + plan.hash, paint);
  add_row(text, "next", paint.bold(next_for(plan)), paint);
  return text;
}

Json progress_object(const PlanRecord& plan) {
  if (!plan.progress) return nullptr;
  const engine::Progress& progress = *plan.progress;
  return {{"step", progress.step},
          {"rows_done", progress.rows_done},
          {"rows_estimate", progress.rows_estimate},
          {"rows_per_second", std::llround(progress.rows_per_second)},
          {"batch_rows", progress.batch_rows},
          {"batch_ms", std::llround(progress.batch_ms)},
          {"workers", progress.workers},
          // The last one of a step that is over would be read as time to go.
          {"eta_seconds", progress.eta_seconds && moves_rows(plan.state) ? Json(*progress.eta_seconds) : Json()},
          {"quarantined", progress.quarantined},
          {"worst_lag", or_null(progress.worst_lag)},
          {"slowed_by", progress.slowed_by}};
}

Json hold_object(const PlanRecord& plan) {
  const auto shown = hold_of(plan);
  if (!shown) return nullptr;
  Json object{{"kind", name(shown->hold.kind)},
              {"reason", shown->hold.reason},
              {"since", shown->since},
              {"ends_when", shown->hold.ends_when}};
  if (shown->hold.reasons.size() > 1) object["reasons"] = shown->hold.reasons;
  return object;
}

Json runner_object(const PlanRecord& plan) {
  if (!plan.runner || plan.runner->released) return nullptr;
  return {{"host", plan.runner->host},
          {"pid", plan.runner->pid},
          {"epoch", plan.runner->epoch},
          {"heartbeat", plan.runner->heartbeat},
          {"alive", plan.runner->alive}};
}

Json brownout_object(const PlanRecord& plan) {
  if (!plan.brownout) return nullptr;
  return {{"seconds", plan.brownout->seconds},
          {"begun_at", plan.brownout->begun_at},
          {"seconds_left", plan.brownout->seconds_left},
          {"deadline", plan.brownout->deadline},
          {"guard", plan.brownout->guard}};
}

Json plan_object(const PlanRecord& plan, const std::vector<engine::RollForward>& undone) {
  const ImageSafety safety = safety_of(plan);
  const auto seconds = turn_back_seconds(plan);
  return {{"plan", plan.name},
          {"hash", "sha256:" + plan.hash},
          {"state", name(plan.state)},
          {"state_since", plan.state_since},
          {"hold", hold_object(plan)},
          {"runner", runner_object(plan)},
          {"progress", progress_object(plan)},
          {"brownout", brownout_object(plan)},
          {"images", {{"before", word(safety.before)}, {"after", word(safety.after)}}},
          {"undoes", or_null(undoes(plan, undone))},
          {"undone_by", or_null(undone_by(plan, undone))},
          {"turn_back_seconds", seconds ? Json(*seconds) : Json()},
          {"next", next_for(plan)}};
}

}  // namespace

std::string progress_line(const PlanRecord& plan, Instant now) {
  std::string text = plan.name + "  " + std::string(name(plan.state));
  if (plan.progress && moves_rows(plan.state)) text += "  " + extent(*plan.progress);
  if (const auto shown = hold_of(plan)) {
    const std::string passed = age(shown->since, now);  // empty in the moment before the journal has it
    return printable(text + "  held" + (passed.empty() ? "" : " " + passed) + ": " + shown->hold.reason);
  }
  if (plan.progress && moves_rows(plan.state)) text += pace(*plan.progress);
  return printable(text);
}

std::string status_text(const std::vector<PlanRecord>& plans, Instant now, Paint paint,
                        const std::vector<engine::RollForward>& undone) {
  if (plans.empty()) return "no plan has been started in this database yet; next: switchback run PLAN_FILE\n";
  std::string text;
  for (const PlanRecord& plan : plans) text += (text.empty() ? "" : "\n") + plan_text(plan, now, paint, undone);
  return text;
}

std::string status_json(const std::vector<PlanRecord>& plans, bool pretty,
                        const std::vector<engine::RollForward>& undone) {
  Json list = Json::array();
  for (const PlanRecord& plan : plans) list.push_back(plan_object(plan, undone));
  return dumped({{"schema_version", 1}, {"plans", list}}, pretty) + "\n";
}

}  // namespace switchback::cli
