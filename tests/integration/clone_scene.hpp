/// A usage world whose schema is cloned on the test server itself, by a role of its own.
#pragma once

#include <memory>
#include <string>

#include "switchback/ports/schema_clone.hpp"
#include "usage_world.hpp"

namespace switchback::tests {

/// Counts what is asked of the clone it hands on.
class CountingClone final : public ports::SchemaClone {
 public:
  explicit CountingClone(std::unique_ptr<ports::SchemaClone> inner) : inner_(std::move(inner)) {}
  std::optional<std::string> declined() const override { return inner_->declined(); }
  ports::OpenClone open(ports::Session& source, const std::string& schema) override {
    ++opened;
    return last = inner_->open(source, schema);
  }
  void discard() noexcept override { inner_->discard(); }

  int opened = 0;
  ports::OpenClone last;

 private:
  std::unique_ptr<ports::SchemaClone> inner_;
};

/// The URI of a role of the test server that may make databases and is no superuser.
std::string cloner();

/// Names of the databases on the test server that are clones, sorted, with a comma between them.
std::string clone_databases();

struct CloneWorld {
  CloneWorld();

  /// Judged, as a new process would: what it knows is in the journal.
  StructureEvidence gather();
  /// What is held against the column by statements that ran, as "used: detail -> remedy".
  std::vector<std::string> against_statements() { return against(gather(), "statements"); }

  UsageWorld world;
  std::unique_ptr<CountingClone> clone;
};

}  // namespace switchback::tests
