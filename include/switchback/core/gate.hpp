/// May this image be deployed, or rolled back to? Pure: the catalog, the plans and the registry in, the answer out.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "switchback/core/image.hpp"
#include "switchback/core/state.hpp"

namespace switchback {

struct CatalogColumn {
  std::string name;
  std::string type;        ///< format_type, with typmod
  bool not_null = false;   ///< attnotnull, its domain's NOT NULL, or a CHECK (… IS NOT NULL), validated or not
  bool has_value = false;  ///< a default, an identity or a generation expression
  bool generated = false;
  std::vector<std::string> labels = {};  ///< of an enum, in their order
};
/// What an ON CONFLICT can rest on: a valid unique index, or an exclusion constraint's.
struct CatalogKey {
  std::string name;                  ///< of the index
  std::string constraint;            ///< that it belongs to; empty: none
  std::vector<std::string> columns;  ///< sorted, each once; "" stands for expressions
  bool partial = false;
  bool deferrable = false;
  bool unique = true;  ///< false: an exclusion constraint's
};
/// A table or view, its columns in the order of their numbers.
struct CatalogTable {
  std::vector<CatalogColumn> columns;
  std::optional<std::vector<CatalogKey>> keys = {};  ///< empty: not looked at, or of a view
  std::vector<TableName> ancestors = {};             ///< the tables that it is a partition of
  bool view = false;
};
using LiveCatalog = std::map<TableName, CatalogTable>;

struct GatePlan {
  std::string name;
  std::string file;
  std::string state_name;      ///< as the journal has it
  std::optional<State> state;  ///< empty: not one that this binary knows
  bool takes_away = false;
  bool browned = false;  ///< what it takes away is out of reach for the stretch of a brownout
  Images images;
  PlanEffect effect;
  std::optional<std::int64_t> back_seconds;     ///< turning back to migrated; empty where that cannot be done
  std::optional<std::int64_t> forward_seconds;  ///< until migrated, where a backfill is under way
};

enum class GateKind { deploy, rollback };
enum class GateVerdict { yes, no, unknown };
std::string_view name(GateKind kind);
std::string_view name(GateVerdict verdict);

struct GateReason {
  std::string structure;  ///< "public.users.full_name"; empty: none in particular
  std::string why;
  std::string plan;    ///< whose doing it is; empty: nobody's
  std::string remedy;  ///< a command; empty: there is none
  std::optional<std::int64_t> remedy_seconds;
  bool unknown = false;  ///< a check that could not be made
  bool operator==(const GateReason&) const = default;
};

struct GateAnswer {
  GateVerdict verdict = GateVerdict::yes;
  bool skip_migrations = false;  ///< a way back: the pipeline leaves its own migrations out
  std::vector<GateReason> reasons;
  std::vector<std::string> alternatives;  ///< some of safe_images(), the newest; left empty by gate()
  std::vector<std::string> notes;         ///< what is worth knowing and decides nothing
};

/// What else the database says that concerns one image.
struct ImageSurroundings {
  /// A constraint or unique index that was not there when the image was registered, on columns that were.
  struct Rule {
    TableName table;
    std::string name;
    std::string definition;
    std::vector<std::string> columns;
    bool incoming = false;  ///< a foreign key of another table, which refuses deletes and changed keys
  };
  /// What has come over a column since the image was registered.
  struct Changed {
    TableName table;
    std::string column;
    std::string what;  ///< the new label of its enum, or the type that it was of
  };
  /// What its role may not do; without a column: to the table, or without a table's name in its schema.
  struct Denied {
    TableName table;
    std::string column;
    std::string privilege;
  };
  /// A function, type, sequence or relation that it names and that is not where it looks.
  struct Absent {
    TableName object;        ///< as it names it
    bool elsewhere = false;  ///< there is one of that name in a schema in which it may look, or may not
    bool operator==(const Absent&) const = default;
  };
  /// What its role may not do with a function or sequence.
  struct DeniedObject {
    std::string object;     ///< as GRANT takes it: SEQUENCE public.ids
    std::string privilege;  ///< USAGE, EXECUTE
    TableName name;
  };
  /// A function that it calls, and what the function's body needs.
  struct Called {
    TableName function;
    Footprint needs;
  };
  /// A statement of it that the server does not take.
  struct Refusal {
    std::string statement, message;
    bool certain = true;  ///< it took it once, or the message leaves no doubt
  };
  std::vector<Rule> rules;
  std::vector<Changed> labels, types;
  std::vector<Denied> denied;
  std::vector<DeniedObject> denied_objects;
  std::vector<Absent> absent_functions, absent_types, absent_relations, absent_sequences;
  std::vector<PlanEffect::Column> attributes;  ///< functions of a table's row: what can be written as its column
  std::vector<Called> called;
  std::vector<Refusal> refused;
  bool asked = false;    ///< the server was asked about its statements
  bool no_role = false;  ///< the role that its manifest names is not there
};

struct GateFacts {
  LiveCatalog catalog;  ///< at least of the tables that the images asked about use
  std::vector<GatePlan> plans;
  std::vector<RegisteredImage> images;
  std::vector<std::string> running;                                    ///< images that run now, as far as known
  std::map<std::string, ImageSurroundings, std::less<>> surroundings;  ///< by image; none: nothing to say
};

/// Of `facts` only the footprint of this image, its surroundings and its tables are looked at. No when anything the
/// image needs is not there, not filled, under another name, or would refuse its writes; unknown when that could not be
/// told and nothing is a no. Every state of every plan is taken into account.
GateAnswer gate(const GateFacts& facts, std::string_view image, GateKind kind);

/// Registered images of the same application but this one, newest first, without the retired ones. Their footprints are
/// not looked at.
std::vector<std::string> others_newest_first(const GateFacts& facts, std::string_view but);
/// Those of others_newest_first() that would be safe now: where to go instead. `facts` has the footprints of all, and
/// their tables.
std::vector<std::string> safe_images(const GateFacts& facts, std::string_view but);

/// About how long turning a plan back to an image before the change takes. `rows` are filled again at `rate` rows a
/// second (0: not known) where that is needed. Empty where it cannot be done.
std::optional<std::int64_t> turn_back_seconds(State state, bool takes_away, double rows, double rate);

}  // namespace switchback
