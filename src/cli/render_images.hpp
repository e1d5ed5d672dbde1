/// What image and gate commands print. Private to the command line; pure.
#pragma once

#include <string>
#include <vector>

#include "json_text.hpp"
#include "switchback/cli/render.hpp"
#include "switchback/core/error.hpp"
#include "switchback/core/gate.hpp"

namespace switchback::cli {

/// What a footprint needs of each table.
Json tables_json(const Footprint& footprint);

std::string images_text(const std::vector<RegisteredImage>& images, Paint paint);
std::string images_json(const std::vector<RegisteredImage>& images);
std::string horizon_text(const std::vector<HorizonImage>& images, Paint paint);
std::string horizon_json(const std::vector<HorizonImage>& images);

std::string gate_text(std::string_view image, GateKind kind, const GateAnswer& answer, Paint paint);
std::string gate_json(std::string_view image, GateKind kind, const GateAnswer& answer);
/// Workflow commands of GitHub Actions: an annotation for each reason.
std::string gate_github(std::string_view image, GateKind kind, const GateAnswer& answer);
/// The same for a gate that could not be asked.
std::string gate_github_failure(std::string_view image, GateKind kind, const Error& error);

}  // namespace switchback::cli
