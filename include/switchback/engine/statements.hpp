/// The steps that are plain statements, with what they find in the database for the way back.
#pragma once

#include "switchback/core/step_sql.hpp"
#include "switchback/ports/catalog.hpp"
#include "switchback/ports/session.hpp"

namespace switchback::engine {

/// What a step of Work::Kind::statement runs, and what undoes it. Without a session and a catalog, or
/// before what it works on is there: as written, as far as can be told.
StepSql statement_sql(ports::Session* session, ports::Catalog* catalog, const Step& step);

}  // namespace switchback::engine
