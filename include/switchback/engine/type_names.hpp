/// The types that a manifest names, in the server's words.
#pragma once

#include <string>

#include "switchback/core/footprint.hpp"
#include "switchback/ports/session.hpp"

namespace switchback::engine {

/// Every type of the tables as format_type writes it for columns: `int` is `integer`, `varchar(20)[]`
/// `character varying(20)[]`. Bare names that are none of the system's are public's. Error(Exit::invalid) for what is
/// no type of this database. Not in a transaction.
void settle_types(ports::Session& session, Footprint& footprint);

}  // namespace switchback::engine
