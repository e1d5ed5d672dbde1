// Loaded into a runner before libpq (LD_PRELOAD): ends it with SIGKILL at one chosen commit, so that a test can try
// each of them and none by chance. What counts as one: a COMMIT, and what writes outside of a transaction.
//   KILL_WHEN    an SQL condition; only commits by whose session it is true are counted. It is asked just before the
//                commit, and sees what the transaction did.
//   KILL_NUMBER  which of those, from 1
//   KILL_SIDE    before: all is done and nothing committed; after: committed, and nothing done since
#include <dlfcn.h>
#include <libpq-fe.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

struct Wish {
  std::string when = variable("KILL_WHEN");
  long number = std::atol(variable("KILL_NUMBER").c_str());
  bool before = variable("KILL_SIDE") == "before";
  std::atomic<long> seen{0};
  Wish() { unsetenv("LD_PRELOAD"); }  // the runner's own children live
};

Wish& wish() {
  static Wish one;
  return one;
}

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

bool commits(PGconn* connection, std::string_view sql) {
  const std::string_view word = sql.substr(0, sql.find_first_of(" ;\n"));
  if (PQtransactionStatus(connection) == PQTRANS_INTRANS) return word == "COMMIT";
  if (PQtransactionStatus(connection) != PQTRANS_IDLE || sql.find("SET heartbeat") != std::string_view::npos)
    return false;
  constexpr std::array writing = {"INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "ALTER", "ANALYZE"};
  for (const std::string_view one : writing)
    if (word == one) return true;
  return false;
}

bool is_true(PGconn* connection, const std::string& condition) {
  PGresult* answer = next<decltype(PQexec)>("PQexec")(connection, ("SELECT (" + condition + ")").c_str());
  const bool yes = PQresultStatus(answer) == PGRES_TUPLES_OK && PQntuples(answer) == 1 &&
                   std::string_view(PQgetvalue(answer, 0, 0)) == "t";
  PQclear(answer);
  return yes;
}

template <class Send>
PGresult* watched(PGconn* connection, const char* sql, Send send) {
  Wish& one = wish();
  const bool here =
      !one.when.empty() && commits(connection, sql) && is_true(connection, one.when) && ++one.seen == one.number;
  if (here && one.before) kill(getpid(), SIGKILL);
  PGresult* result = send();
  if (here) kill(getpid(), SIGKILL);
  return result;
}

}  // namespace

extern "C" PGresult* PQexec(PGconn* connection, const char* sql) {
  return watched(connection, sql, [&] { return next<decltype(PQexec)>("PQexec")(connection, sql); });
}

extern "C" PGresult* PQexecParams(PGconn* connection, const char* sql, int count, const Oid* types,
                                  const char* const* values, const int* lengths, const int* formats, int format) {
  return watched(connection, sql, [&] {
    return next<decltype(PQexecParams)>("PQexecParams")(connection, sql, count, types, values, lengths, formats,
                                                        format);
  });
}
