#include "switchback/engine/stepper.hpp"

#include "switchback/core/error.hpp"
#include "switchback/engine/contracting.hpp"
#include "switchback/engine/expanding.hpp"
#include "switchback/engine/guard.hpp"
#include "switchback/engine/migrating.hpp"
#include "switchback/engine/restore_points.hpp"
#include "switchback/engine/turning_back.hpp"
#include "switchback/engine/verifying.hpp"

namespace switchback::engine {
namespace {

/// How far along the way forward a state is. Ways back count as where they lead.
int rank(State state) {
  switch (state) {
    case State::planned:
    case State::rolled_back:
    case State::rolling_back:
      return 0;
    case State::expanding:
      return 1;
    case State::expanded:
      return 2;
    case State::migrating:
      return 3;
    case State::migrated:
    case State::unhiding:
    case State::restoring:
      return 4;
    case State::hiding:
      return 5;
    case State::hidden:
      return 6;
    case State::contracting:
      return 7;
    case State::contracted:
      return 8;
    case State::done:
      return 9;
  }
  return 0;
}

/// Plans that this one builds on must have got at least to migrated.
std::optional<Hold> requires_hold(Workbench& bench) {
  for (const std::string& required : bench.plan().requires_plans) {
    const auto other = find_plan(bench.session(), required);
    if (other && rank(other->state) >= rank(State::migrated) && other->state != State::rolled_back) continue;
    return Hold{HoldKind::requires_,
                "this plan requires " + required + ", which is " +
                    (other ? std::string(name(other->state)) : "not registered here"),
                required + " gets to migrated",
                {}};
  }
  return std::nullopt;
}

Stop change_state(Workbench& bench, Event on) {
  return bench.in_transaction([&](ports::Session& session) {
    if (!bench.advance(bench.record().state, on)) return;
    if (on == Event::expand) make_restore_point(bench, session, "expand");
    if (on == Event::migrate) make_restore_point(bench, session, "migrate");
  });
}

/// Waits, or stops with what is in the way.
Stop wait_until_free(Workbench& bench, const std::function<std::optional<Hold>()>& in_the_way) {
  std::optional<Hold> hold;
  const Stop stop = bench.outside_transaction([&](ports::Session&) { hold = in_the_way(); });
  return stop.ok() && hold ? bench.hold_until(*hold, std::chrono::milliseconds(1000), in_the_way) : stop;
}

Stop begin_expand(Workbench& bench) {
  const Stop stop = wait_until_free(bench, [&] {
    auto hold = drill_hold(bench);
    if (!hold) hold = requires_hold(bench);
    if (!hold) hold = approval_hold(bench, "expand");
    return hold ? hold : addition_hold(bench);
  });
  return stop.ok() ? change_state(bench, Event::expand) : stop;
}

Stop begin_migrate(Workbench& bench) {
  const Stop stop = wait_until_free(bench, [&] { return approval_hold(bench, "migrate"); });
  return stop.ok() ? change_state(bench, Event::migrate) : stop;
}

/// The half that takes away is begun weeks after the other: it wants a drill of its own time.
Stop begin_hide(Workbench& bench) {
  const Stop stop = wait_until_free(bench, [&] { return drill_hold(bench); });
  return stop.ok() ? hide_plan(bench) : stop;
}

Stop finish_way_back(Workbench& bench) {
  switch (bench.record().state) {
    case State::unhiding:
      return unhide_plan(bench);
    case State::restoring:
      return restore_plan(bench);
    default:
      return roll_back_plan(bench, bench.record().target.value_or(State::rolled_back));
  }
}

Stop step_forward(Workbench& bench, State target) {
  const auto then_arrive = [&](const Stop& stop) { return stop.ok() ? change_state(bench, Event::arrive) : stop; };
  switch (bench.record().state) {
    case State::planned:
    case State::rolled_back:
      return begin_expand(bench);
    case State::expanding:
      return then_arrive(expand(bench));
    case State::expanded:
      return target == State::done && bench.plan().migrate.empty() && !takes_away(bench.plan()) ? finish_plan(bench)
                                                                                                : begin_migrate(bench);
    case State::migrating:
      return then_arrive(migrate(bench));
    case State::migrated:
      return target == State::done && !takes_away(bench.plan()) ? finish_plan(bench) : begin_hide(bench);
    case State::hiding:
      return hide_plan(bench);
    case State::hidden:
      return begin_contract(bench);
    case State::contracting:
      return contract_plan(bench);
    case State::contracted:
      return finish_plan(bench);
    case State::unhiding:
    case State::restoring:
    case State::rolling_back:
      return finish_way_back(bench);
    case State::done:
      return Stop::arrived();
  }
  return Stop::arrived();
}

/// Back to migrated, and paused there: nobody is to run into it again before somebody has looked.
Stop turn_back_by_itself(Workbench& bench, const std::vector<std::string>& conditions) {
  const Stop stop = unhide_plan(bench, conditions);
  if (!stop.ok()) return stop;
  std::optional<Verification> found;
  const Stop verified = verify_turned_back(bench, found);
  if (!verified.ok()) return verified;
  bench.reload();
  std::optional<Hold> hold;
  const Stop looked = bench.look_for_hold(false, hold);
  return looked.ok() && hold ? Stop::held(*hold) : looked;
}

void refuse_without_contract(const Plan& plan, State target) {
  if (takes_away(plan) || (target != State::hidden && target != State::contracted)) return;
  throw Error(Exit::usage, Remedy::person,
              "the plan " + plan.name + " has no contract phase: there is nothing to hide or to drop",
              "switchback run " + plan.file + " --to done ends it and removes its sync");
}

}  // namespace

State default_target(const Plan& plan) {
  return plan.migrate.empty() && !takes_away(plan) ? State::done : State::migrated;
}

Stop drive_forward(Workbench& bench, State target) {
  refuse_without_contract(bench.plan(), target);
  for (;;) {
    bench.reload();
    const State state = bench.record().state;
    if (facts(state).resting && rank(state) >= rank(target)) return Stop::arrived();
    // Steps and batches heed a pause by themselves; hiding is the one thing that is done at once.
    Stop stop = state == State::migrated ? bench.pause_point(false) : Stop::arrived();
    if (stop.ok()) stop = step_forward(bench, target);
    if (stop.why == Stop::Why::fired) return turn_back_by_itself(bench, stop.conditions);
    if (!stop.ok()) return stop;
  }
}

Stop drive_back(Workbench& bench, State target) {
  for (;;) {
    bench.reload();
    const State state = bench.record().state;
    if (facts(state).resting && rank(state) <= rank(target)) return Stop::arrived();
    Stop stop;
    switch (state) {
      case State::hiding:
      case State::hidden:
      case State::contracting:
      case State::unhiding:
        stop = unhide_plan(bench);
        break;
      case State::contracted:
      case State::restoring:
        stop = restore_plan(bench);
        break;
      default:
        stop = roll_back_plan(bench, target == State::expanded ? State::expanded : State::rolled_back);
    }
    if (!stop.ok()) return stop;
  }
}

}  // namespace switchback::engine
