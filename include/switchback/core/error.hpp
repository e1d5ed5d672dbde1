/// What went wrong, what it was while doing, and what to do next.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace switchback {

/// Process exit codes; part of the interface that scripts rely on.
enum class Exit {
  done = 0,
  failed = 1,
  refused = 3,      ///< refused for safety; a gate says no
  invalid = 4,      ///< plan or configuration invalid, unknown plan
  drift = 5,        ///< schema or plan file is not what the journal says
  not_yet = 6,      ///< held, paused, observing or soaking
  busy = 7,         ///< another runner has the plan
  unreachable = 8,  ///< database not reachable or not permitted
  approval = 9,     ///< an approval or an answer is needed
  usage = 64,
};

/// What whoever catches an Error should do about it.
enum class Remedy {
  retry,      ///< transient: the same call may succeed later (40001, 40P01, 55P03, 57014, 53*)
  reconnect,  ///< the session is gone and nothing was in doubt (08*, 57P0x)
  in_doubt,   ///< the session was lost while a COMMIT was under way: read the journal before doing anything again
  data,       ///< a value's fault (22*, 23*)
  person,     ///< needs somebody: rights, configuration, a refusal
  bug,
};

/// Failed I/O or a refusal. Expected outcomes are return values; this is for what stops the caller.
class Error : public std::runtime_error {
 public:
  Error(Exit exit, Remedy remedy, const std::string& message, std::string hint = {}, std::string sqlstate = {})
      : std::runtime_error(message),
        exit_(exit),
        remedy_(remedy),
        hint_(std::move(hint)),
        sqlstate_(std::move(sqlstate)) {}

  Exit exit() const { return exit_; }
  Remedy remedy() const { return remedy_; }
  const std::string& hint() const { return hint_; }          ///< one sentence: what to do next; may be empty
  const std::string& sqlstate() const { return sqlstate_; }  ///< five characters, or empty when SQL had no part in it

 private:
  Exit exit_;
  Remedy remedy_;
  std::string hint_;
  std::string sqlstate_;
};

/// The class of failure a SQLSTATE belongs to (PostgreSQL documentation, appendix A).
Remedy remedy_of(std::string_view sqlstate);

}  // namespace switchback
