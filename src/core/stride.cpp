#include "switchback/core/stride.hpp"

#include <algorithm>
#include <cmath>

namespace switchback {
namespace {

/// Enough that a part fits into what pruning leaves a page (it prunes when less than a tenth is free, see
/// heap_page_prune_opt in the server's pruneheap.c): of 1 million rows of 109 bytes 68 % stay heap-only with 8 parts,
/// 72 % with 16, and the table grows 1.41 and 1.36 times.
constexpr int most_passes = 16;
constexpr double part_ratio = 0.92;
/// Windows after which several passes are tried again: a long transaction that held the horizon may be gone.
constexpr int windows_between_tries = 16;
/// Of fewer rows than this, a share says nothing.
constexpr std::int64_t telling = 200;

/// Parts are told apart by so many values of the hash.
constexpr int hash_space = 1024;

/// Where the part of a pass begins in the hash space; of the pass behind the last one: the space's end.
int part_begin(int pass, int passes) {
  if (pass >= passes) return hash_space;
  double before = 0;
  double all = 0;
  double part = 1;
  for (int i = 0; i < passes; ++i, part *= part_ratio) {
    if (i < pass) before += part;
    all += part;
  }
  return static_cast<int>(std::lround(hash_space * before / all));
}

double share(const HotCount& count) {
  return count.updated > 0 ? static_cast<double>(count.hot) / static_cast<double>(count.updated) : 0;
}

bool in_unique_index(const TableFacts& table, std::string_view column) {
  const ColumnFacts* facts = table.column(column);
  return std::ranges::any_of(table.indexes, [&](const IndexFacts& index) {
    return index.unique && facts && std::ranges::find(index.mentions, facts->number) != index.mentions.end();
  });
}

bool may_be_touched(const TableFacts& table, const SyncPlan& sync, const std::string& name) {
  const ColumnFacts* column = table.column(name);
  const auto is_it = [&](const SyncColumn& one) { return one.name == name; };
  return column && !column->generated && !column->identity && name != sync.marker &&
         std::ranges::none_of(sync.new_side, is_it) && !in_unique_index(table, name);
}

}  // namespace

bool walks_by_page(const HeapFacts& facts) {
  return facts.heap && facts.server_version >= 140000;
}

int passes_for(const HeapFacts& facts) {
  if (!facts.secondary_index || facts.pages == 0) return 1;
  const double rows_per_page = facts.rows / static_cast<double>(facts.pages);
  int passes = most_passes;
  while (passes > 1 && rows_per_page < 3.0 * passes) passes /= 2;
  return passes;
}

std::int64_t window_for(std::int64_t pages) {
  return std::clamp<std::int64_t>(pages / 32, 128, 1024);
}

std::string page_range_sql(std::string_view row, std::int64_t from, std::int64_t to, int pass, int passes) {
  const std::string ctid = std::string(row) + ".ctid";
  std::string sql = ctid + " >= '(" + std::to_string(from) + ",0)'::pg_catalog.tid AND " + ctid + " < '(" +
                    std::to_string(to) + ",0)'::pg_catalog.tid";
  if (passes == 1) return sql;
  const int begin = part_begin(pass, passes);
  return sql + " AND ((pg_catalog.hashtid(" + ctid + ") - " + std::to_string(begin) + ") & " +
         std::to_string(hash_space - 1) + ") < " + std::to_string(part_begin(pass + 1, passes) - begin);
}

std::vector<std::string> touch_columns(const TableFacts& table, const SyncPlan& sync, int server_version) {
  std::vector<std::string> columns;
  if (server_version < 150000 || !table.triggers.empty()) return columns;
  for (const IndexFacts& index : table.indexes) {
    if (index.unique || !index.valid) continue;
    const auto touched = [&](const std::string& name) { return std::ranges::find(columns, name) != columns.end(); };
    if (std::ranges::any_of(index.columns, touched)) continue;
    const auto found = std::ranges::find_if(
        index.columns, [&](const std::string& name) { return !name.empty() && may_be_touched(table, sync, name); });
    if (found != index.columns.end()) columns.push_back(*found);
  }
  return columns;
}

HotCount& HotCount::operator+=(const HotCount& more) {
  updated += more.updated;
  hot += more.hot;
  return *this;
}

void StrideJudge::window_done(int passes, const HotCount& first_pass, const HotCount& later_passes) {
  if (passes == 1) {
    if (one_pass_left_ > 0) --one_pass_left_;
    // There was room in the pages by itself (fillfactor), and now there is not.
    if (!no_use_ && first_pass.updated >= telling && share(first_pass) < 0.5) one_pass_left_ = 0;
    return;
  }
  const bool no_use = later_passes.updated >= telling && share(later_passes) < 0.3;
  const bool no_need = first_pass.updated >= telling && share(first_pass) > 0.8;
  if (no_use || no_need) one_pass_left_ = windows_between_tries;
  no_use_ = no_use;
}

}  // namespace switchback
