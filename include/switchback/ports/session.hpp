/// One database session: what the engine needs of PostgreSQL.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace switchback::ports {

using Value = std::optional<std::string>;  ///< text format; empty is NULL

/// A whole result in memory. Owned by the caller, independent of the session.
struct Rows {
  std::vector<std::vector<Value>> rows;
  std::int64_t affected = 0;  ///< rows an INSERT, UPDATE or DELETE touched

  bool empty() const { return rows.empty(); }
  std::size_t size() const { return rows.size(); }
  const Value& at(std::size_t row, std::size_t column) const { return rows.at(row).at(column); }
  /// NULL reads as the empty string, 0 or false.
  std::string text(std::size_t row, std::size_t column) const { return at(row, column).value_or(""); }
  std::int64_t integer(std::size_t row, std::size_t column) const;
  double number(std::size_t row, std::size_t column) const;
  bool boolean(std::size_t row, std::size_t column) const { return text(row, column) == "t"; }
};

/// Blocking; used by one thread at a time, but for cancel(). Every failure is an Error with its SQLSTATE.
class Session {
 public:
  virtual ~Session() = default;

  /// Without parameters: the simple protocol, so several statements may stand in `sql`. With parameters ($1 …): one
  /// statement. Returns the last statement's rows.
  virtual Rows exec(std::string_view sql, const std::vector<Value>& parameters = {}) = 0;

  /// Lost while this runs: Error with Remedy::in_doubt.
  virtual void commit() = 0;
  virtual void begin(std::string_view options = {}) = 0;
  virtual void rollback() noexcept = 0;

  /// Asks the server to cancel what this session runs now. From any thread.
  virtual void cancel() noexcept = 0;

  virtual int server_version() const = 0;  ///< as server_version_num: 150018
  virtual int backend_pid() const = 0;
};

/// As a transaction's `options`: inside another one it can be rolled back by itself (a savepoint).
inline constexpr std::string_view nested = "nested";

/// Begins at construction, rolls back at destruction unless committed.
class Transaction {
 public:
  explicit Transaction(Session& session, std::string_view options = {}) : session_(session) { session_.begin(options); }
  ~Transaction() {
    if (!ended_) session_.rollback();
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  Rows exec(std::string_view sql, const std::vector<Value>& parameters = {}) { return session_.exec(sql, parameters); }
  void commit() {
    ended_ = true;
    session_.commit();
  }
  Session& session() { return session_; }

 private:
  Session& session_;
  bool ended_ = false;
};

}  // namespace switchback::ports
