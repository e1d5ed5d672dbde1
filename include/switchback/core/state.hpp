/// The states of a plan and every transition between them, as data.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace switchback {

enum class State {
  planned,
  expanding,
  expanded,
  migrating,
  migrated,
  hiding,
  hidden,
  contracting,
  contracted,
  done,
  unhiding,
  restoring,
  rolling_back,
  rolled_back,
};

enum class Event {
  expand,           ///< begin the additive steps
  migrate,          ///< begin filling existing rows
  hide,             ///< begin contract's reversible half
  contract,         ///< begin archiving and dropping
  finish,           ///< nothing (more) to take away: sync or archive goes
  arrive,           ///< what is under way is complete
  turn_back,        ///< towards an earlier resting state
  arrive_expanded,  ///< rolling back stops half-way: migrate's steps are undone, expand's stay
};

struct Transition {
  State from;
  Event on;
  State to;
};

// clang-format off
inline constexpr std::array transitions{
    //         from                 on                      to
    Transition{State::planned,      Event::expand,          State::expanding},
    Transition{State::rolled_back,  Event::expand,          State::expanding},
    Transition{State::expanding,    Event::arrive,          State::expanded},
    Transition{State::expanded,     Event::migrate,         State::migrating},
    Transition{State::expanded,     Event::finish,          State::done},
    Transition{State::migrating,    Event::arrive,          State::migrated},
    Transition{State::migrated,     Event::hide,            State::hiding},
    Transition{State::migrated,     Event::finish,          State::done},
    Transition{State::hiding,       Event::arrive,          State::hidden},
    Transition{State::hidden,       Event::contract,        State::contracting},
    Transition{State::contracting,  Event::arrive,          State::contracted},
    Transition{State::contracted,   Event::finish,          State::done},
    Transition{State::hiding,       Event::turn_back,       State::unhiding},
    Transition{State::hidden,       Event::turn_back,       State::unhiding},
    Transition{State::contracting,  Event::turn_back,       State::unhiding},
    Transition{State::unhiding,     Event::arrive,          State::migrated},
    Transition{State::contracted,   Event::turn_back,       State::restoring},
    Transition{State::restoring,    Event::arrive,          State::migrated},
    Transition{State::expanding,    Event::turn_back,       State::rolling_back},
    Transition{State::expanded,     Event::turn_back,       State::rolling_back},
    Transition{State::migrating,    Event::turn_back,       State::rolling_back},
    Transition{State::migrated,     Event::turn_back,       State::rolling_back},
    Transition{State::done,         Event::turn_back,       State::rolling_back},
    Transition{State::rolling_back, Event::arrive,          State::rolled_back},
    Transition{State::rolling_back, Event::arrive_expanded, State::expanded},
};
// clang-format on

template <std::size_t N>
constexpr bool one_row_per_pair(const std::array<Transition, N>& rows) {
  for (std::size_t i = 0; i < N; ++i)
    for (std::size_t j = i + 1; j < N; ++j)
      if (rows[i].from == rows[j].from && rows[i].on == rows[j].on) return false;
  return true;
}
static_assert(one_row_per_pair(transitions), "row order must never decide");

/// What an image may expect of the database.
enum class Safety { works, unsafe, breaks };

/// One row of the table in the documentation.
struct StateFacts {
  State state;
  std::string_view name;   ///< as in YAML, journal, log and command line
  bool resting;            ///< false: on the way; whoever takes the plan up finishes or turns back
  Safety before;           ///< the image before the change
  Safety after;            ///< the image after the change
  std::string_view truth;  ///< what is true of the database, one sentence for the operator
};

inline constexpr std::array state_table{
    StateFacts{State::planned, "planned", true, Safety::works, Safety::breaks, "nothing of the plan is there"},
    StateFacts{State::expanding, "expanding", false, Safety::works, Safety::breaks,
               "expand steps are being made, each complete or absent"},
    StateFacts{State::expanded, "expanded", true, Safety::works, Safety::unsafe,
               "new structures and sync are in place; rows nobody has touched since are not filled"},
    StateFacts{State::migrating, "migrating", false, Safety::works, Safety::unsafe, "backfill under way, or held"},
    StateFacts{State::migrated, "migrated", true, Safety::works, Safety::works,
               "every row filled and verified, sync keeps both sides right; usage evidence collects here"},
    StateFacts{State::hiding, "hiding", false, Safety::unsafe, Safety::works,
               "contract's reversible half is being made"},
    StateFacts{State::hidden, "hidden", true, Safety::unsafe, Safety::works,
               "old structures are out of reach under a tombstone name, still kept right by sync"},
    StateFacts{State::contracting, "contracting", false, Safety::unsafe, Safety::works,
               "old data is being archived and verified; sync still on, unhide still possible"},
    StateFacts{State::contracted, "contracted", true, Safety::breaks, Safety::works,
               "old structures and sync are gone, the archive is kept for its retention"},
    StateFacts{State::done, "done", true, Safety::breaks, Safety::works,
               "nothing of the plan is left to do; the archive, if there was one, is purged"},
    StateFacts{State::unhiding, "unhiding", false, Safety::unsafe, Safety::works,
               "the hidden structures are being given their names back"},
    StateFacts{State::restoring, "restoring", false, Safety::breaks, Safety::works,
               "dropped structures are being rebuilt and filled from the archive"},
    StateFacts{State::rolling_back, "rolling_back", false, Safety::works, Safety::breaks,
               "the new side is being taken away"},
    StateFacts{State::rolled_back, "rolled_back", true, Safety::works, Safety::breaks, "nothing of the plan is left"},
};

/// The state that `on` leads to, or nothing where the table has no such row.
constexpr std::optional<State> next_state(State from, Event on) {
  for (const Transition& t : transitions)
    if (t.from == from && t.on == on) return t.to;
  return std::nullopt;
}

constexpr const StateFacts& facts(State state) {
  for (const StateFacts& f : state_table)
    if (f.state == state) return f;
  return state_table[0];
}

inline std::string_view name(State state) {
  return facts(state).name;
}
std::string_view name(Event event);
std::optional<State> state_named(std::string_view name);

/// Mermaid text of the whole table, as the README shows it.
std::string state_diagram();
/// Markdown of every state and what each image may expect of it, as the README shows it.
std::string state_table_text();

/// Which image is safe in `state`. In `done` a plan that took nothing away leaves the old image working.
struct ImageSafety {
  Safety before;
  Safety after;
};
ImageSafety image_safety(State state, bool takes_away);
/// "safe", "unsafe" (may start, must not be relied on) or "breaks".
std::string_view word(Safety safety);

}  // namespace switchback
