/// The way through a heap by page, in windows with several passes each, and when it pays. Pure.
///
/// The rows of a page are divided into as many parts as there are passes, by a hash of their place; each pass over a
/// window takes one part, in small batches that are committed. The first pass moves its part elsewhere; what it leaves
/// dead is pruned, so that the rows of the later passes find room in their own page and the update is heap-only (HOT):
/// no index entry, less WAL, hardly any growth, no VACUUM. It needs the horizon of dead rows to move, and rows small
/// enough that a page holds several for each pass; where it does not pay, one pass is taken.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "switchback/core/sync.hpp"
#include "switchback/core/table_facts.hpp"

namespace switchback {

/// One plain table that holds rows, as far as the way through it depends on it.
struct HeapFacts {
  int server_version = 0;  ///< server_version_num
  bool heap = true;        ///< its access method is heap
  std::int64_t pages = 0;
  double rows = 0;  ///< an estimate
  bool secondary_index = false;
};

/// Whether it can be walked in ranges of pages: a heap, and PostgreSQL 14 or newer, which scans a range of ctid without
/// reading the rest of the table ("Tid Range Scan").
bool walks_by_page(const HeapFacts& facts);
/// Into how many parts a page's rows are divided: a power of two up to 16; 1 where no secondary index has to be spared
/// or a page holds too few rows.
int passes_for(const HeapFacts& facts);

/// Pages of a window: small enough that every worker finds some, and that its dead rows are young when the next pass
/// comes; large enough that a pass is many batches. 8 MB at most.
std::int64_t window_for(std::int64_t pages);

/// SQL boolean over `row`: the rows of pages [from, to) that belong to `pass` of `passes`. The parts of all passes are
/// all rows, each in one part; every part is a little smaller than the one before, because rows grow: what a part
/// leaves has room for fewer of the next.
std::string page_range_sql(std::string_view row, std::int64_t from, std::int64_t to, int pass, int passes);

/// Columns that a batch sets to themselves, one for each index that can be spared a scan for dead duplicates.
///
/// An update that names an index's column does not tell the index that its key is unchanged, so that "bottom-up
/// deletion" is not tried at every full page (index_unchanged_by_update in the server's execIndexing.c; from
/// PostgreSQL 15); HOT is decided by comparing values all the same. Never a column of a unique index: with a BEFORE
/// UPDATE row trigger the row lock would become FOR UPDATE and hold up foreign key checks. None where a trigger of the
/// user's could see it.
std::vector<std::string> touch_columns(const TableFacts& table, const SyncPlan& sync, int server_version);

/// Rows a pass updated, and how many of them stayed heap-only.
struct HotCount {
  std::int64_t updated = 0;
  std::int64_t hot = 0;
  HotCount& operator+=(const HotCount& more);
};

/// Decides how many passes the next window gets, from what the last ones showed. Not thread safe.
class StrideJudge {
 public:
  explicit StrideJudge(int passes) : wanted_(passes) {}
  int passes() const { return one_pass_left_ > 0 ? 1 : wanted_; }
  void window_done(int passes, const HotCount& first_pass, const HotCount& later_passes);

 private:
  int wanted_;
  int one_pass_left_ = 0;  ///< windows until several passes are tried again
  bool no_use_ = false;    ///< several passes were of no use, rather than of no need
};

}  // namespace switchback
