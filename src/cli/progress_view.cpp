#include "progress_view.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "invocation.hpp"
#include "log.hpp"

namespace switchback::cli {
namespace {

using namespace std::chrono_literals;

bool can_redraw(int descriptor) {
  const char* terminal = std::getenv("TERM");
  return is_terminal(descriptor) && terminal != nullptr && std::string_view(terminal) != "dumb";
}

void write_all(int descriptor, const std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t written = write(descriptor, text.data() + at, text.size() - at);
    if (written <= 0) return;  // nobody is looking any more
    at += static_cast<std::size_t>(written);
  }
}

/// What makes a line due at once.
std::string place_of(const engine::PlanRecord& plan) {
  const auto shown = hold_of(plan);
  return std::string(name(plan.state)) + "/" + (shown ? std::string(name(shown->hold.kind)) : "") + "/" +
         (plan.progress ? plan.progress->step : "");
}

}  // namespace

int redraw(int descriptor, const std::string& text, int lines) {
  std::string out;
  if (lines > 0) out += "\x1b[" + std::to_string(lines) + "A";
  out += "\r\x1b[J";
  const std::size_t width = width_of(descriptor);
  int drawn = 0;
  for (std::size_t at = 0; at < text.size(); ++drawn) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    out += cut(std::string_view(text).substr(at, end - at), width - 1) + "\n";
    at = end + 1;
  }
  write_all(descriptor, out);
  return drawn;
}

ProgressView::ProgressView(bool quiet) : quiet_(quiet), block_(can_redraw(STDERR_FILENO) && !log_is_json()) {
  if (!quiet_) drawer_ = std::thread([this] { draw_until_finished(); });
}

ProgressView::~ProgressView() {
  finish();
}

void ProgressView::show(const engine::PlanRecord& plan) {
  if (quiet_) return;
  {
    const std::lock_guard lock(mutex_);
    // Lines for every state passed through, also when two changes come faster than the drawer looks.
    if (!block_ && place_of(plan) != last_place_ && !finished_) print_line(plan);
    latest_ = plan;
    changed_ = true;
  }
  woken_.notify_one();
}

void ProgressView::finish() {
  {
    const std::lock_guard lock(mutex_);
    if (finished_) return;
    finished_ = true;
  }
  woken_.notify_one();
  if (drawer_.joinable()) drawer_.join();
  clear_block();
}

void ProgressView::print_line(const engine::PlanRecord& plan) {
  last_place_ = place_of(plan);
  last_drawn_ = Clock::now();
  log_line(Level::info, progress_line(plan, now()));
}

void ProgressView::draw_block(const engine::PlanRecord& plan) {
  std::string text = progress_line(plan, now()) + "\n";
  if (const auto shown = hold_of(plan)) {
    for (const std::string& reason : shown->hold.reasons)
      if (reason != shown->hold.reason) text += "  also: " + printable(reason) + "\n";
    text += "  ends when: " + printable(shown->hold.ends_when) + "\n";
  }
  block_lines_ = redraw(STDERR_FILENO, text, block_lines_);
  last_drawn_ = Clock::now();
}

void ProgressView::clear_block() {
  if (block_ && block_lines_ > 0) redraw(STDERR_FILENO, "", block_lines_);
  block_lines_ = 0;
}

void ProgressView::draw_until_finished() {
  std::unique_lock lock(mutex_);
  while (!finished_) {
    woken_.wait_for(lock, 100ms, [this] { return finished_; });
    if (finished_ || !latest_) continue;
    const auto since = Clock::now() - last_drawn_;
    if (block_) {
      if (changed_ || since >= 1s) draw_block(*latest_);
    } else {
      const auto period = Clock::now() - started_ < 1min ? 5s : 30s;
      if (since >= period) print_line(*latest_);
    }
    changed_ = false;
  }
}

}  // namespace switchback::cli
