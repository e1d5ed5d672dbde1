/// What a gate asks the server about one image, beyond what text and catalog tell.
#pragma once

#include "switchback/core/gate.hpp"
#include "switchback/ports/image_asking.hpp"
#include "switchback/ports/session.hpp"

namespace switchback::engine {

/// Bodies of the functions that the image calls, where a plan keeps something out of reach now; and whether the server
/// takes its statements, where nothing else says no. In the caller's transaction.
void ask_closer(ports::Session& session, GateFacts& facts, const RegisteredImage& image, ports::ImageAsking& asking);

}  // namespace switchback::engine
