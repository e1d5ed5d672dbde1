/// Statements prepared and explained on a schema clone, with what a contract takes and without. Private to postgres.
#pragma once

#include <memory>
#include <optional>

#include "switchback/ports/schema_clone.hpp"
#include "switchback/ports/usage_source.hpp"

namespace switchback::postgres {

/// Keeps its last answer for as long as neither the schema nor the question changes. `clone` may be null: then, and
/// where none can be had, the parse tree's word stands alone.
class Replayer {
 public:
  explicit Replayer(ports::SchemaClone* clone) : clone_(clone) {}
  ports::Replay replay(ports::Session& source, const ports::UsageRequest& request,
                       const std::vector<ports::ReplayText>& texts);

 private:
  ports::SchemaClone* clone_;
  std::string question_;  ///< that `last_` answers
  std::optional<ports::Replay> last_;
};

}  // namespace switchback::postgres
