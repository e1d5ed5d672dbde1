/// Who still uses what a contract takes away: the catalog, the statistics and the sessions of one database.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "switchback/core/evidence.hpp"
#include "switchback/core/plan.hpp"
#include "switchback/core/replay.hpp"
#include "switchback/core/structure.hpp"
#include "switchback/ports/session.hpp"

namespace switchback::ports {

/// An object that the catalog ties to a structure.
struct Dependent {
  enum class Effect {
    blocks,  ///< a plain DROP … RESTRICT refuses because of it
    silent,  ///< DROP … RESTRICT takes it along without a word
    row,     ///< bound to the table's row type: goes on working, with one column less
  };
  Effect effect = Effect::blocks;
  std::string kind;        ///< as pg_identify_object: "view", "index", "table constraint", "function" …
  std::string name;        ///< bare name, as allow_silent names it
  std::string identity;    ///< "public.v_users", "users_name_check on public.users"
  std::string definition;  ///< SQL that makes it again, where the server can write it; else empty
  auto operator<=>(const Dependent&) const = default;
};

/// Whether `name`, as a plan writes it, names the dependent: bare or with its schema, quoted only where SQL needs it.
inline bool named_by(const Dependent& dependent, std::string_view name) {
  // The server writes names in quotes where they need them.
  return name == dependent.name || quote_identifier(name) == dependent.name || name == dependent.identity ||
         name == shown(std::string_view(dependent.name)) ||
         (dependent.identity.starts_with("public.") && name == std::string_view(dependent.identity).substr(7));
}

/// Whether the dependent is `whole`, a table, view, type or function, or a part of it: a column, a constraint on it,
/// its trigger. The server writes parts as "public.users.name" and "touched on public.users".
inline bool belongs_to(const Dependent& dependent, const Structure& whole) {
  if (!is_moved(whole.kind)) return false;
  const std::string identity = shown(whole);
  return dependent.identity == identity || dependent.identity.starts_with(identity + ".") ||
         dependent.identity.ends_with(" on " + identity);
}
/// A publication that somebody has checked may lose a table.
inline bool is_checked(const Dependent& dependent, const std::vector<std::string>& checked) {
  return dependent.effect == Dependent::Effect::silent && dependent.kind == "publication relation" &&
         std::ranges::find(checked, dependent.name) != checked.end();
}

/// Sorted by identity, so that two of them can be compared.
struct Closure {
  std::vector<Dependent> dependents;
  bool operator==(const Closure&) const = default;
};

/// A standby whose statistics and sessions are sampled beside the primary's. The session is borrowed.
struct SampledServer {
  std::string name;            ///< as pg_stat_replication shows it (application_name), or its slot
  Session* session = nullptr;  ///< in the same database; empty: it is not there now
  std::string unreachable;     ///< and why
};

/// A connection pooler whose clients are sampled like sessions.
struct SampledPooler {
  std::string name;        ///< for people; never a password
  std::string connection;  ///< to its admin console; may hold a password
};

struct UsageRequest {
  std::int64_t plan = 0;  ///< switchback.plan.id
  std::vector<Structure> structures;
  std::vector<std::string> allow_silent;    ///< dependents that the plan lets go along: name or schema.name
  std::vector<std::string> checked;         ///< external readers that a person has checked, by name
  std::vector<TolerantReader> readers;      ///< whose whole-row reads do not count, where they work without
  std::optional<std::string> image_before;  ///< application_name of the newest image that needs the old side
  std::optional<std::string> role_before;   ///< and its login role, where each image has one
  std::vector<SampledServer> replicas;      ///< those that a connection is configured for
  std::vector<SampledPooler> poolers;       ///< those that are configured
  /// Standbys that the configuration says no queries run on, by application_name or slot, and why.
  std::map<std::string, std::string> without_queries = {};
};

/// Runtime sources that judge() must see covering the whole window.
inline const std::vector<std::string> required_sources{"statements", "sessions"};

/// What a look found.
struct UsageLook {
  Instant at;  ///< when the sample was taken, by the primary's clock
  std::vector<StructureEvidence> evidence;
};

/// A statement of an image, with the role whose settings decide what its names mean; empty: one without settings.
struct ReplayText {
  std::string text;
  std::string role;
};
struct Replay {
  std::vector<ReplayedStatement> statements;  ///< in the order of the texts
  std::vector<std::string> beyond_manifests;  ///< as ContractReplay has them
  std::string remark;  ///< why the parse tree's word stands alone; empty: the server was asked too
};

class UsageSource {
 public:
  virtual ~UsageSource() = default;

  /// One look at the statistics and the sessions of every server, recorded in the journal through `session` (the
  /// primary's, not in a transaction) in one short transaction. To be called every few seconds to minutes from migrated
  /// on: a gap of over 5 minutes cuts the coverage of sessions. A replica that cannot be read loses coverage, no more.
  virtual void sample(Session& session, const UsageRequest& request) = 0;

  /// A sample, and everything known after it; the catalog is read once for both. Not in a transaction.
  virtual UsageLook look(Session& session, const UsageRequest& request) = 0;

  /// Everything known of each structure, in the order of the request; for judge(). Takes no sample.
  virtual std::vector<StructureEvidence> gather(Session& session, const UsageRequest& request) = 0;

  /// What becomes of the statements when all structures of the request have gone: told from their texts, and by the
  /// server on a clone of the schema, where nothing of them is executed. Repeats its last answer while neither schema
  /// nor question changes; else seconds. Error (Exit::drift) when a structure is not there.
  virtual Replay replay(Session& session, const UsageRequest& request, const std::vector<ReplayText>& texts) = 0;

  /// What the catalog ties to a structure, but for switchback's own objects. Some milliseconds; also inside the
  /// transaction that drops. Error (Exit::drift) when the structure is not there.
  virtual Closure closure(Session& session, const Structure& structure) = 0;
};

}  // namespace switchback::ports
