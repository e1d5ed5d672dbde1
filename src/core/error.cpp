#include "switchback/core/error.hpp"

namespace switchback {

Remedy remedy_of(std::string_view sqlstate) {
  if (sqlstate.size() != 5) return Remedy::bug;
  const std::string_view category = sqlstate.substr(0, 2);
  if (sqlstate == "08007" || sqlstate == "40003") return Remedy::in_doubt;  // the server itself says it does not know
  if (sqlstate == "55P03" || sqlstate == "57014") return Remedy::retry;
  if (category == "40" || category == "53") return Remedy::retry;
  if (category == "08" || sqlstate.starts_with("57P0")) return Remedy::reconnect;
  if (sqlstate == "25P03") return Remedy::reconnect;  // idle_in_transaction_session_timeout ends the session
  if (category == "22" || category == "23") return Remedy::data;
  return Remedy::person;
}

}  // namespace switchback
