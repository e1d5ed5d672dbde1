/// Primary keys that go over to other columns, with the foreign keys that point at them and what gives them numbers:
/// before the names are turned and after, and what is made ready without a lock. core/rekey.hpp says why so.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "switchback/core/rekey.hpp"
#include "switchback/engine/journal.hpp"
#include "switchback/engine/workbench.hpp"
#include "switchback/ports/session.hpp"

namespace switchback::engine {

/// Empty: there is no such table.
std::optional<KeySurroundings> key_surroundings(ports::Session& session, const TableName& table);

/// Locks the tables of which the plan replaces columns, and those whose foreign keys point at these, ACCESS EXCLUSIVE
/// in lock_order(). Waits for each for less than deadlock_timeout, so that never an application's statement is the one
/// that a deadlock ends; until the transaction ends that holds for every lock.
void lock_replaced(ports::Session& session, const Plan& plan);

enum class Turn { in, back };

/// One turn of the names, inside the caller's transaction and under lock_replaced(): let_go(), then the columns get
/// their names, then take().
class KeyTurn {
 public:
  KeyTurn(ports::Session& session, PlanId plan_id, const Plan& plan, Turn turn);
  /// Foreign keys that point at replaced columns go, then primary keys, identities, and defaults of integers that
  /// differ from call to call and that only the old column has. Error(Exit::drift) for a foreign key whose own column
  /// would stay narrower.
  void let_go();
  /// The same on the columns that bear the names now. No number is given out twice: a sequence goes on where it was.
  void take();
  /// Remembers which foreign keys are to be validated, and of which type sequences were. Behind store_definitions().
  void keep() const;

 private:
  struct Key {
    TableName table;
    std::string name;
    std::optional<std::string> comment;
    bool clustered = false;
    std::vector<const ReplaceColumn*> columns;
  };
  struct Numbers {
    const ReplaceColumn* column = nullptr;
    std::optional<std::string> default_value;
    std::vector<std::string> after;  ///< statements, once the column bears the name
  };
  void read_keys();
  void read_pointing();
  void refuse_narrow(const std::string& constraint, const TableName& table, const std::string& column,
                     const ReplaceColumn& referenced);
  void take_identity_away(const ReplaceColumn& column, Numbers& numbers);
  void take_default_away(const ReplaceColumn& column, Numbers& numbers);
  std::string heir_of(const ReplaceColumn& column) const;

  ports::Session& session_;
  PlanId plan_id_;
  const Plan& plan_;
  Turn turn_;
  std::vector<Key> keys_;
  std::vector<PointingKey> pointing_;
  std::vector<Numbers> numbers_;
  std::vector<std::pair<std::string, std::string>> sequence_types_;  ///< sequence, statement that makes it as it was
};

/// Whether the plan replaces columns of primary keys, or such as foreign keys point at.
bool turns_keys(ports::Session& session, const Plan& plan);
/// Tables of which the plan replaces columns of the primary key.
std::vector<TableName> rekeyed_tables(ports::Session& session, const Plan& plan);
/// Whether the plan replaces columns of primary keys that are not hidden yet.
bool has_keys_to_swap(ports::Session& session, const Plan& plan);
/// On the way to the hide: the indexes that become keys, and NOT NULL of their columns, proved.
Stop ready_keys(Workbench& bench);
/// In the hide's transaction: they are the tables' like any other.
void settle_ready_keys(ports::Session& session, PlanId plan_id, const Plan& plan);
/// What is left of ready_keys() goes.
void drop_ready_keys(ports::Session& session, PlanId plan_id, const Plan& plan);

/// Numbers that the old columns cannot hold, one sentence for each column or sequence; empty: the way back is open.
std::vector<std::string> beyond_old_type(ports::Session& session, const Plan& plan);
/// Before the names are turned back: proves, without a lock that anybody waits for, that the old columns have every
/// row's value. `begin` runs in the transaction from which on a number that does not fit is refused. Held when there is
/// one. Nothing to do where no key is swapped.
Stop prove_way_back(Workbench& bench, const std::function<void(ports::Session&)>& begin);

/// Foreign keys that were validated before they were added again NOT VALID, and are not yet.
std::vector<std::string> pointing_objections(ports::Session& session, PlanId plan_id);
/// SHARE UPDATE EXCLUSIVE on each table while it is read.
Stop validate_pointing(Workbench& bench);
/// What KeyTurn::keep() remembered is forgotten.
void forget_pointing(ports::Session& session, PlanId plan_id);

}  // namespace switchback::engine
