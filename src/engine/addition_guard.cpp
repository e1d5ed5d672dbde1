// Whom a new column disturbs, whatever is in it: logical subscribers, and images that keep SELECT * prepared.
#include <algorithm>
#include <set>

#include "published.hpp"
#include "switchback/core/sql.hpp"
#include "switchback/engine/guard.hpp"
#include "switchback/engine/images.hpp"

namespace switchback::engine {
namespace {

std::set<TableName> widened(const Plan& plan) {
  std::set<TableName> tables;
  for (const Step& step : plan.expand)
    if (const auto* column = std::get_if<AddColumn>(&step.action)) tables.insert(column->table);
  return tables;
}

std::string listed(const std::vector<std::string>& names) {
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
  return all;
}

std::optional<Hold> subscriber_hold(Workbench& bench, const std::set<TableName>& tables) {
  const auto unchecked = [&](std::vector<std::string> names) {
    std::erase_if(names, [&](const std::string& name) {
      const auto& checked = bench.plan().external_checked;
      return std::ranges::find(checked, name) != checked.end();
    });
    return names;
  };
  const std::vector<std::string> slots = unchecked(logical_slots(bench.session()));
  if (slots.empty()) return std::nullopt;
  for (const TableName& table : tables) {
    const std::vector<std::string> publications = unchecked(widening_publications(bench.session(), table));
    if (publications.empty()) continue;
    return Hold{HoldKind::subscriber,
                shown(table) + " is published by " + listed(publications) +
                    " with every column it gets, and read through " + listed(slots) +
                    ": a subscriber without the new column stops (missing replicated column), and its "
                    "slot keeps WAL back",
                "the columns are added at every subscriber first, and the plan says so: external: { checked: [" +
                    listed(publications) + "] }, then switchback repair " + bench.plan().name + " --plan " +
                    bench.plan().file + "; or the publication gets a list of columns",
                {}};
  }
  return std::nullopt;
}

/// `cached plan must not change result type`, once a session and statement.
std::optional<Hold> prepared_star_hold(Workbench& bench, const std::set<TableName>& tables) {
  if (bench.despite("horizon")) return std::nullopt;
  HorizonFacts known = horizon_facts(bench.session());
  const auto images = horizon(known, horizon_rules(bench.settings()), server_now(bench.session()));
  std::vector<std::string> lines;
  for (const RegisteredImage& image : known.images) {
    const Footprint& footprint = image.footprint;
    if (!footprint.prepares_star || footprint.star_tolerated) continue;
    const auto in_horizon = std::ranges::find(images, image.name, &HorizonImage::name);
    const auto use =
        std::ranges::find_if(footprint.tables, [&](const TableUse& one) { return tables.contains(one.table); });
    if (in_horizon == images.end() || use == footprint.tables.end()) continue;
    lines.push_back(image.name + " keeps SELECT * of " + shown(use->table) +
                    " prepared, and each fails once when a column is added (cached plan must not change result type)");
  }
  if (lines.empty()) return std::nullopt;
  Hold hold{HoldKind::horizon,
            lines.front(),
            "its manifest says that it bears that (star: tolerated), it is past the horizon (switchback image list "
            "--horizon), or switchback run " +
                bench.plan().file + " --despite horizon --reason …",
            {}};
  if (lines.size() > 1) hold.reasons = std::move(lines);
  return hold;
}

}  // namespace

std::vector<std::string> widening_publications(ports::Session& session, const TableName& table) {
  const bool lists = session.server_version() >= 150000;
  const auto rows = session.exec(
      std::string(
          "WITH RECURSIVE down AS (SELECT pg_catalog.to_regclass($1)::oid AS oid UNION SELECT i.inhrelid FROM "
          "pg_catalog.pg_inherits i JOIN down d ON d.oid = i.inhparent), up AS (SELECT "
          "pg_catalog.to_regclass($1)::oid AS oid UNION SELECT i.inhparent FROM pg_catalog.pg_inherits i JOIN up u "
          "ON u.oid = i.inhrelid), family AS (SELECT oid FROM down UNION SELECT oid FROM up) "
          "SELECT p.pubname FROM pg_catalog.pg_publication p WHERE p.puballtables OR EXISTS (SELECT FROM "
          "pg_catalog.pg_publication_rel r JOIN family f ON f.oid = r.prrelid WHERE r.prpubid = p.oid") +
          (lists
               ? " AND r.prattrs IS NULL) OR EXISTS (SELECT FROM pg_catalog.pg_publication_namespace n JOIN "
                 "pg_catalog.pg_class c ON c.relnamespace = n.pnnspid JOIN family f ON f.oid = c.oid WHERE n.pnpubid = "
                 "p.oid)"
               : ")") +
          " ORDER BY 1",
      {quoted(table)});
  std::vector<std::string> names;
  for (std::size_t i = 0; i < rows.size(); ++i) names.push_back(rows.text(i, 0));
  return names;
}

std::vector<std::string> logical_slots(ports::Session& session) {
  const auto rows = session.exec(
      "SELECT slot_name FROM pg_catalog.pg_replication_slots WHERE slot_type = 'logical' AND NOT temporary AND "
      "database = "
      "pg_catalog.current_database() ORDER BY 1");
  std::vector<std::string> names;
  for (std::size_t i = 0; i < rows.size(); ++i) names.push_back(rows.text(i, 0));
  return names;
}

std::optional<Hold> addition_hold(Workbench& bench) {
  const std::set<TableName> tables = widened(bench.plan());
  if (tables.empty()) return std::nullopt;
  if (auto hold = subscriber_hold(bench, tables)) return hold;
  return prepared_star_hold(bench, tables);
}

}  // namespace switchback::engine
