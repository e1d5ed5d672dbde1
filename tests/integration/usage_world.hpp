/// A database with a journal, a plan in it and a table of users: where usage evidence is tried out.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "server.hpp"
#include "switchback/core/evidence.hpp"
#include "switchback/ports/usage_source.hpp"

namespace switchback::tests {

class UsageWorld {
 public:
  UsageWorld();

  /// As an application would: on a connection of its own under that name, gone again when the string of statements ran.
  void application(const std::string& sql, const std::string& name = "shop:v42") const;
  std::unique_ptr<ports::Session> connect(const std::string& name, const std::string& uri = {}) const;
  void run(const std::string& sql) { session->exec(sql); }

  void sample() { usage->sample(*session, request); }
  /// As if sampling had begun a day earlier.
  void watched_for_a_day() { run("UPDATE switchback.usage_coverage SET since = since - interval '1 day'"); }
  StructureEvidence gather() { return usage->gather(*session, request).at(0); }
  Judgement verdict(std::chrono::seconds window = std::chrono::hours{1});

  std::string uri;
  std::unique_ptr<ports::Session> session;
  std::unique_ptr<ports::UsageSource> usage;
  ports::UsageRequest request;
};

/// The findings of one source that are not clear, as "used: detail".
std::vector<std::string> against(const StructureEvidence& evidence, const std::string& source);
bool has(const std::vector<std::string>& lines, const std::string& part);
bool has_reason(const Judgement& judgement, const std::string& part);

}  // namespace switchback::tests
