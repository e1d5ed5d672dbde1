#include "json_text.hpp"
#include "switchback/cli/render.hpp"

namespace switchback::cli {
namespace {

/// Every line of `sql`, indented; a semicolon at the end unless it has one.
std::string indented(const std::string& sql, const std::string& indent) {
  std::string text;
  std::size_t at = 0;
  while (at <= sql.size()) {
    const std::size_t end = std::min(sql.find('\n', at), sql.size());
    const bool last = end == sql.size();
    std::string line = sql.substr(at, end - at);
    if (last && !line.empty() && !line.ends_with(';')) line += ';';
    if (!last || !line.empty()) text += indent + line + "\n";
    at = end + 1;
  }
  return text;
}

std::string step_text(const StepSql& step, std::size_t number, Paint paint) {
  std::string text = "  " + std::to_string(number) + ". " + paint.bold(step.step) + "\n";
  for (const std::string& sql : step.sql) text += indented(sql, "       ");
  std::string lock = step.lock.empty() ? "none" : step.lock + (step.held.empty() ? "" : ", " + step.held);
  text += "     lock    " + lock + "; " + (step.rewrites ? paint.bad("rewrites the table") : "no rewrite") + ", " +
          (step.scans ? "reads every row" : "no scan") + ", " +
          (step.transactional ? "in one transaction" : "outside a transaction, done again if it was cut short") + "\n";
  if (step.undo.empty()) {
    text += "     undo    " + (step.no_undo.empty() ? "nothing to undo" : "none: " + step.no_undo) + "\n";
  } else {
    text += "     undo\n";
    for (const std::string& sql : step.undo) text += indented(sql, "       ");
  }
  text +=
      "     images  before: " + std::string(word(step.before)) + "   after: " + std::string(word(step.after)) + "\n";
  return text;
}

std::string_view answer_of(const ExplainedImage& image) {
  return image.needs.empty() ? "works" : image.unknown ? "unknown" : "breaks";
}

std::string image_text(const ExplainedImage& image, Paint paint) {
  const std::string answer(answer_of(image));
  std::string because;
  for (const std::string& one : image.because) because += (because.empty() ? "" : "; ") + one;
  std::string text = "  " + paint.bold(printable(image.image)) + ": " +
                     (image.needs.empty() ? paint.good(answer)
                      : image.unknown     ? paint.warn(answer)
                                          : paint.bad(answer)) +
                     "   " + paint.dim(printable(because)) + "\n";
  for (const std::string& need : image.needs) text += "     " + printable(need) + "\n";
  std::size_t fine = 0;
  for (const ReplayedStatement& one : image.statements) fine += one.outcome == ReplayOutcome::ok ? 1 : 0;
  if (!image.statements.empty())
    text += std::string("     ") + (image.by_text ? "by their text alone: " : "replayed: ") + std::to_string(fine) +
            " of " + std::to_string(image.statements.size()) + " statements are the same without\n";
  if (!image.next.empty()) text += "     next: " + printable(image.next) + "\n";
  return text;
}

Json image_object(const ExplainedImage& image) {
  Json statements = Json::array();
  for (const ReplayedStatement& one : image.statements)
    statements.push_back({{"statement", one.text}, {"outcome", name(one.outcome)}, {"why", or_null(one.why)}});
  return {{"image", image.image},    {"because", image.because},    {"answer", answer_of(image)},
          {"needs", image.needs},    {"next", or_null(image.next)}, {"statements", statements},
          {"by_text", image.by_text}};
}

Json step_object(const StepSql& step) {
  return {{"step", step.step},
          {"sql", step.sql},
          {"undo", step.undo},
          {"no_undo", or_null(step.no_undo)},
          {"lock", or_null(step.lock)},
          {"held", or_null(step.held)},
          {"rewrites", step.rewrites},
          {"scans", step.scans},
          {"transactional", step.transactional},
          {"images", {{"before", word(step.before)}, {"after", word(step.after)}}}};
}

}  // namespace

std::string explained_text(const Explained& explained, Paint paint) {
  std::string text = paint.bold(explained.plan) + "  " + paint.dim("sha256:" + explained.hash) + "\n";
  for (const PhaseSql& phase : explained.phases) {
    text += "\n" + paint.bold(phase.phase) + "\n";
    for (std::size_t i = 0; i < phase.steps.size(); ++i) text += step_text(phase.steps[i], i + 1, paint);
    if (phase.steps.empty()) text += "  nothing\n";
  }
  if (!explained.images.empty())
    text += "\n" + paint.bold("images that one may still have to run, once contracted") + "\n";
  for (const ExplainedImage& image : explained.images) text += image_text(image, paint);
  if (!explained.notes.empty()) text += "\n" + paint.bold("to know beforehand") + "\n";
  for (const std::string& note : explained.notes) text += "  - " + note + "\n";
  return text;
}

std::string explained_json(const Explained& explained) {
  Json phases = Json::array();
  for (const PhaseSql& phase : explained.phases) {
    Json steps = Json::array();
    for (const StepSql& step : phase.steps) steps.push_back(step_object(step));
    phases.push_back({{"phase", phase.phase}, {"steps", steps}});
  }
  Json images = Json::array();
  for (const ExplainedImage& image : explained.images) images.push_back(image_object(image));
  return dumped({{"schema_version", 1},
                 {"plan", explained.plan},
                 {"hash", "sha256:" + explained.hash},
                 {"phases", phases},
                 {"images", images},
                 {"notes", explained.notes}},
                true) +
         "\n";
}

}  // namespace switchback::cli
