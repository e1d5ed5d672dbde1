/// What the database says that concerns one image, beside columns: its role's rights, functions and types that it
/// names, and what came over its tables since it was registered.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "switchback/core/gate.hpp"
#include "switchback/ports/session.hpp"

namespace switchback::engine {

/// Remembers what is there now as what the image was registered against. In the caller's transaction.
void remember_surroundings(ports::Session& session, const std::string& image);

using Surroundings = std::map<std::string, ImageSurroundings, std::less<>>;
/// Of these images, which have their footprints. Reads the catalog and the registry only.
Surroundings surroundings(ports::Session& session, const std::vector<RegisteredImage>& images);

/// Adds the functions that can be written as columns of the images' tables, for columns that `catalog` does not have.
void find_attributes(ports::Session& session, const LiveCatalog& catalog, const std::vector<RegisteredImage>& images,
                     Surroundings& found);

}  // namespace switchback::engine
