/// Two images of one application, writing at once: what they were told is committed is remembered, and looked for.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace switchback::tests {

enum class ShopImage { v41, v42 };

/// Makes `users (id, full_name not null, email)` with so many rows, an index on full_name, and the names "First7
/// Last7".
void make_users(const std::string& uri, int rows);

/// Writers of one image on the table users, each on rows of its own (ids that leave the same rest), so that the last
/// acknowledged write of every row is known: inserts, updates of the whole name or of one part, of unrelated columns,
/// upserts, deletes and births under the same key.
class Traffic {
 public:
  /// `writers` threads over ids 1 to `rows`; `first` and `of`: this traffic's share of the residues, so that two
  /// traffics never meet on a row. Prints nothing; the seed comes from the caller.
  Traffic(std::string uri, ShopImage image, int writers, int rows, int first, int of, unsigned seed);
  ~Traffic();
  Traffic(const Traffic&) = delete;
  Traffic& operator=(const Traffic&) = delete;

  void stop();
  /// Fewer and slower writes from now on.
  void slow_down(bool on) { slow_ = on; }
  std::int64_t writes() const { return writes_; }
  /// Statements that failed though the server was there; each with its SQLSTATE.
  std::vector<std::string> failures();

  struct Name {
    std::string first, last;
    bool operator==(const Name&) const = default;
  };
  /// Per id the last acknowledged state: a name, or nothing for a deleted row. Ids whose last write was cut off by the
  /// server's end are left out: nobody was told anything. Call after stop().
  std::map<std::int64_t, std::optional<Name>> acknowledged();

 private:
  void write(int number, unsigned seed);

  std::string uri_;
  ShopImage image_;
  int rows_, first_, of_, writers_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> slow_{false};
  std::atomic<std::int64_t> writes_{0};
  std::mutex mutex_;
  std::map<std::int64_t, std::optional<Name>> acknowledged_;
  std::map<std::int64_t, bool> in_doubt_;
  std::vector<std::string> failures_;
  std::vector<std::thread> threads_;
};

/// Rows of users that are not as acknowledged, read through the new columns (or the old one), in words; empty: all
/// there.
std::vector<std::string> lost_writes(const std::string& uri,
                                     const std::map<std::int64_t, std::optional<Traffic::Name>>& acknowledged,
                                     ShopImage through);

}  // namespace switchback::tests
