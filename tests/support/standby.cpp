#include "standby.hpp"

#include <libpq-fe.h>

#include <cstdint>
#include <cstdio>
#include <stdexcept>

namespace switchback::tests {
namespace {

void append(std::string& message, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) message += static_cast<char>(number >> shift & 0xff);
}

}  // namespace

struct FakeStandby::Inside {
  PGconn* connection = nullptr;
  ~Inside() { PQfinish(connection); }

  [[noreturn]] void give_up() const { throw std::runtime_error(PQerrorMessage(connection)); }

  std::string position() const {
    PGresult* result = PQexec(connection, "IDENTIFY_SYSTEM");
    const std::string found = PQresultStatus(result) == PGRES_TUPLES_OK ? PQgetvalue(result, 0, 2) : "";
    PQclear(result);
    if (found.empty()) give_up();
    return found;
  }
};

FakeStandby::FakeStandby(const std::string& upstream, const std::string& application_name, bool replays)
    : inside_(std::make_unique<Inside>()) {
  const char* const keys[] = {"dbname", "replication", "application_name", nullptr};
  const char* const values[] = {upstream.c_str(), "true", application_name.c_str(), nullptr};
  inside_->connection = PQconnectdbParams(keys, values, 1);
  if (PQstatus(inside_->connection) != CONNECTION_OK) inside_->give_up();
  const std::string position = inside_->position();
  PGresult* result = PQexec(inside_->connection, ("START_REPLICATION PHYSICAL " + position).c_str());
  const bool streams = PQresultStatus(result) == PGRES_COPY_BOTH;
  PQclear(result);
  if (!streams) inside_->give_up();
  unsigned high = 0;
  unsigned low = 0;
  if (std::sscanf(position.c_str(), "%X/%X", &high, &low) != 2) throw std::runtime_error("no position: " + position);
  // Standby status update (documentation, "Streaming Replication Protocol"): written, flushed, replayed, clock, reply.
  const std::uint64_t at = std::uint64_t{high} << 32 | low;
  std::string message = "r";
  append(message, at);
  append(message, at);
  append(message, replays ? at : 0);
  append(message, 0);
  message += '\0';
  if (PQputCopyData(inside_->connection, message.data(), static_cast<int>(message.size())) != 1 ||
      PQflush(inside_->connection) != 0)
    inside_->give_up();
}

FakeStandby::~FakeStandby() = default;

}  // namespace switchback::tests
