/// Asks the server about an image's statements and the functions that they call.
#pragma once

#include "switchback/ports/image_asking.hpp"

namespace switchback::postgres {

class ImageAsking : public ports::ImageAsking {
 public:
  std::vector<ports::Preparation> prepare(ports::Session& session, const std::vector<std::string>& texts,
                                          const std::string& role) override;
  std::vector<ImageSurroundings::Called> called(ports::Session& session, const std::vector<TableName>& functions,
                                                const std::vector<PlanEffect::Column>& taken) override;
};

}  // namespace switchback::postgres
