/// Drafts as plan files, commented, each one such that the reader takes it as far as nothing is left to fill in.
#pragma once

#include <string>
#include <vector>

#include "switchback/core/drafting.hpp"
#include "switchback/plan_file/diagnostic.hpp"

namespace switchback {

/// draft_migration (core/drafting.hpp) with what the reader knows of SQL and of the vocabulary.
Drafted draft_plans(const std::vector<MigrationStatement>& statements, const TableLookup& lookup);

struct DraftOptions {
  std::string name;                  ///< of the plan; the second one of several gets -2 behind it
  std::vector<std::string> heading;  ///< comment lines at the top
  bool long_form = false;            ///< the steps of each phase, as `explain --yaml` writes them
  bool explained = false;            ///< each key with what it means, and those that are not given as comments
  TableLookup lookup;                ///< for the long form; empty: there is no database to look at
};

struct DraftFile {
  std::string name;  ///< of the plan
  std::string text;
  std::vector<Diagnostic> blanks;  ///< what is left to fill in, as the reader says it
  bool takes_away = false;
};
struct RefusedEntry {
  Place place;  ///< of the statement
  std::string message;
  std::string hint;
};
struct DraftFiles {
  std::vector<DraftFile> files;  ///< to be run in this order; each requires the one before
  std::vector<RefusedEntry> refused;
};

/// As few plans as the entries fit in, in their order.
DraftFiles write_drafts(const std::vector<DraftEntry>& entries, const DraftOptions& options);

/// A plan's name made of any text: a file's, say.
std::string plan_name_from(std::string_view text);

}  // namespace switchback
