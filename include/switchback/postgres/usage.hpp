/// Usage evidence from PostgreSQL's own catalog, statistics and sessions.
#pragma once

#include <memory>

#include "switchback/ports/schema_clone.hpp"
#include "switchback/ports/usage_source.hpp"

namespace switchback::postgres {

/// Stateless: everything is in the journal (usage_statement, usage_session, usage_coverage), so that sampling goes on
/// where another process left it.
///
/// What it cannot see, beside what closure.hpp and statement_judge.hpp name: sessions that came and went between two
/// samples; standbys for which the request has no connection (an unknown when they report hot_standby_feedback, a mere
/// note otherwise) and standbys of standbys; statements of a role or session that switched tracking off by itself;
/// rows a session read before the window and still holds. Statements that share the role and the shape of one that
/// switchback itself ran first are taken for switchback's own.
///
/// `clone`, which must outlive it: where the server is asked about statements that the parse tree finds no use in, each
/// once for every state of the schema. Null: the parse tree alone judges, and nothing is said of that.
std::unique_ptr<ports::UsageSource> make_usage_source(ports::SchemaClone* clone = nullptr);

}  // namespace switchback::postgres
