#include "switchback/engine/replaying.hpp"

#include <algorithm>

#include "switchback/core/image_name.hpp"

namespace switchback::engine {

ContractReplay replay_images(ports::Session& session, ports::UsageSource& usage, const ports::UsageRequest& request,
                             const std::vector<RegisteredImage>& images, const std::vector<HorizonImage>& horizon,
                             const Settings& settings) {
  std::vector<ports::ReplayText> texts;
  std::vector<const RegisteredImage*> whose;
  for (const RegisteredImage& image : images) {
    if (std::ranges::find(horizon, image.name, &HorizonImage::name) == horizon.end()) continue;
    const std::string role = !image.footprint.role.empty() ? image.footprint.role
                             : settings.live_role.empty()  ? ""
                                                           : live_name(settings.live_role, image.name);
    for (const std::string& statement : image.footprint.statements) {
      texts.push_back({statement, role});
      whose.push_back(&image);
    }
  }
  ports::Replay replayed = usage.replay(session, request, texts);
  ContractReplay result{{}, std::move(replayed.beyond_manifests), std::move(replayed.remark)};
  for (std::size_t i = 0; i < texts.size(); ++i)
    result.images[whose[i]->name].push_back(std::move(replayed.statements[i]));
  return result;
}

}  // namespace switchback::engine
