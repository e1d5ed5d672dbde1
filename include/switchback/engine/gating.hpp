/// What a gate decides on, read from journal and catalog. Reads only, takes no lock of the journal, needs no runner.
#pragma once

#include <set>

#include "switchback/core/gate.hpp"
#include "switchback/engine/images.hpp"
#include "switchback/ports/image_asking.hpp"
#include "switchback/ports/session.hpp"

namespace switchback::engine {

/// Those of the tables and views that are there, each with its columns.
LiveCatalog live_catalog(ports::Session& session, const std::set<TableName>& tables);

/// Adds the keys of those tables that an ON CONFLICT of the images rests on.
void add_keys(ports::Session& session, LiveCatalog& catalog, const std::vector<RegisteredImage>& images);

/// Plans, images and the tables that they use, as they are now; which images run is left out.
GateFacts gate_facts(ports::Session& session, std::vector<RegisteredImage> images);

/// The gate's answer, with what would be safe instead where it is not a yes. In one transaction, so that journal and
/// catalog are of one moment. A newer journal is read as long as its readable_by allows; beyond, and with a plan in a
/// state, or with effects, that this binary does not know, the answer is unknown, no error.
GateAnswer ask_gate(ports::Session& session, const HorizonRules& rules, const std::string& image, GateKind kind,
                    ports::ImageAsking& asking);

/// Remembers which of the registered image's statements the server can prepare now: what it takes once and not later is
/// a no. Not in a transaction.
void remember_prepared(ports::Session& session, const std::string& image, ports::ImageAsking& asking);

}  // namespace switchback::engine
