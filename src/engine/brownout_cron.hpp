/// A brownout's second dead man's switch, inside the database. Private to the engine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "switchback/ports/session.hpp"

namespace switchback::engine {

/// Where pg_cron is in this database and the role may use it: a job, in the caller's transaction, that runs
/// `statements` once the stretch is past its deadline and nobody has undone it, and that goes when there is nothing
/// left to undo. Every minute, from pg_cron 1.5 on every five seconds. False where there is no pg_cron.
bool schedule_undo(ports::Session& session, std::int64_t id, const std::vector<std::string>& statements);

}  // namespace switchback::engine
