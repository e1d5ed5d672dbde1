/// A standby as its upstream server sees one.
#pragma once

#include <memory>
#include <string>

namespace switchback::tests {

/// Streams under that application_name, and says that it has replayed what there is; gone with the object. Without
/// `replays` it only receives, as pg_receivewal does.
class FakeStandby {
 public:
  FakeStandby(const std::string& upstream, const std::string& application_name, bool replays = true);
  ~FakeStandby();
  FakeStandby(const FakeStandby&) = delete;
  FakeStandby& operator=(const FakeStandby&) = delete;

 private:
  struct Inside;
  std::unique_ptr<Inside> inside_;
};

}  // namespace switchback::tests
