/// May a contract take what it takes, as far as images are concerned that one may still have to run? Pure.
#pragma once

#include <string>
#include <vector>

#include "switchback/core/gate.hpp"
#include "switchback/core/image.hpp"
#include "switchback/core/replay.hpp"

namespace switchback {

/// One image of the horizon that a contract would break, or of which that is not known.
struct HorizonObjection {
  std::string image;
  std::vector<std::string> because;  ///< why it is in the horizon
  std::vector<GateReason> needs;     ///< at least one; `unknown`: may need
  std::string next;                  ///< the command that ends the objection
  bool unknown() const;              ///< nothing that it needs for certain
  bool operator==(const HorizonObjection&) const = default;
};

/// Of each image the gate's answer once `plan` is contracted, but for what the gate would say before that too.
/// `facts` has the footprints of all images, and the tables they use, as they are in any state of the plan; whether it
/// has the plan does not matter. An image that nobody registered objects, and so does one whose statements leave open
/// what it needs, unless `replay` has judged each of them. What is replayed and breaks objects; another result does so
/// in an image that is not known to bear it (star: tolerated, or after the change).
std::vector<HorizonObjection> horizon_objections(const GateFacts& facts, const GatePlan& plan,
                                                 const std::vector<HorizonImage>& horizon,
                                                 const ContractReplay& replay = {});

/// The other way round: of each image that runs now or is pinned, what it needs of that which the plan added, and would
/// miss once the plan is rolled back. An image that nobody registered objects as well. Those that merely may be wanted
/// again do not: who turns back has decided against them.
std::vector<HorizonObjection> way_back_objections(const GateFacts& facts, const GatePlan& plan,
                                                  const std::vector<HorizonImage>& horizon);

/// `shop:v41 needs public.users.full_name (pinned: Oslo): switchback image unpin shop:v41`; of many needs the first.
std::string shown(const HorizonObjection& objection);
/// One of the needs: `needs public.users.full_name`.
std::string shown_need(const GateReason& need);

}  // namespace switchback
