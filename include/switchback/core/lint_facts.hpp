/// What a database says of itself, as far as lint's rules look at it. Filled by src/engine/linting*.cpp.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "switchback/core/footprint.hpp"
#include "switchback/core/structure.hpp"
#include "switchback/core/table_facts.hpp"

namespace switchback {

struct LintTrigger {
  std::string name;
  bool before = false;
  std::vector<std::string> update_of;  ///< columns; empty: any
  std::string function;                ///< qualified
  std::string body;                    ///< its source
};

struct LintTable {
  TableFacts facts;
  bool analysed = true;                        ///< whether rows_estimate means something
  std::int64_t total_bytes = 0;                ///< with indexes and TOAST
  bool autovacuum = true;                      ///< of the table's own storage parameter
  bool heap = true;                            ///< its access method is heap
  double frozen_share = 0;                     ///< age of its oldest row, of autovacuum_freeze_max_age
  bool identified = true;                      ///< an UPDATE can be published: it has a replica identity
  std::vector<std::string> updates_published;  ///< publications that send its updates
  std::vector<std::string> columns_published;  ///< those that send every column it gets
  std::vector<LintTrigger> triggers;
  std::map<std::string, double> null_share;  ///< of analysed columns
};

struct LintDependent {
  std::string kind;      ///< "view", "index" …
  std::string name;      ///< as allow_silent takes it
  std::string identity;  ///< for people
  bool silent = false;   ///< a plain DROP takes it along; else it refuses
  bool settled = false;  ///< the plan names it, or takes it away itself
};
struct LintTaken {
  Structure structure;
  std::vector<LintDependent> dependents;
  std::int64_t scans = 0;                 ///< of an index, since the statistics were reset
  std::optional<std::string> constraint;  ///< of an index: the constraint that it belongs to
};

struct LintTransaction {
  std::string who;  ///< "process 4711 (shop, role app)", "prepared transaction x"
  std::chrono::seconds age{0};
  std::vector<TableName> locks;  ///< tables of the plan
};

/// What was seen of a backfill's expressions on some rows of the table.
struct LintSample {
  TableName table;
  std::int64_t rows = 0;               ///< looked at
  std::int64_t not_undone = 0;         ///< the reverse of whose forward is not what they were
  std::string example;                 ///< the values of one of them
  std::string failed;                  ///< why the forward expression could not be evaluated on them; empty: it could
  std::vector<std::string> ambiguous;  ///< new columns whose default is not what forward makes of the old defaults
};

struct LintServer {
  int version = 0;  ///< server_version_num
  bool standby = false;
  std::string archive_mode;
  bool autovacuum = true;
  bool statements = false;                 ///< pg_stat_statements is there
  std::string track;                       ///< its setting; empty: unknown
  std::int64_t max_slot_wal = -1;          ///< bytes; -1: no limit
  std::vector<std::string> slots;          ///< of any kind
  std::vector<std::string> logical_slots;  ///< of this database
  std::vector<std::string> standbys;       ///< application_name of those that stream now
};

struct LintImage {
  std::string name;
  Footprint footprint;
};

struct LintFacts {
  LintServer server;
  std::map<TableName, LintTable> tables;  ///< those of the plan that are there
  std::vector<LintTaken> taken;
  std::vector<LintTransaction> transactions;  ///< that are open for long, or lock a table of the plan
  std::vector<LintSample> samples;
  std::vector<LintImage> images;             ///< of the horizon
  std::map<std::string, std::string> plans;  ///< in the journal: name, state
  std::vector<std::string> dumpers;          ///< roles that copy whole tables of the plan out, as pg_dump does
  /// Why `run` would refuse the plan, in the server's words; with the place in the file, and what to do.
  struct Refusal {
    Place place;
    std::string message;
    std::string hint;
  };
  std::vector<Refusal> refusals;
  std::string unresolved;  ///< why the server could not be asked about expressions; empty: it was
};

}  // namespace switchback
