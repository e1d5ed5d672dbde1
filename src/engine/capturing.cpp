#include "switchback/engine/capturing.hpp"

#include <nlohmann/json.hpp>

#include "switchback/core/image_name.hpp"

namespace switchback::engine {
namespace {

std::optional<Footprint> footprint_in(const ports::Rows& rows) {
  return rows.empty() ? std::nullopt : std::optional(footprint_from_json(rows.text(0, 0)));
}

}  // namespace

std::optional<Footprint> registered_footprint(ports::Session& session, const std::string& image) {
  return footprint_in(session.exec("SELECT footprint FROM switchback.image WHERE name = $1", {image}));
}

Footprint register_capture(ports::Session& session, const Actor& actor, const Capture& capture, bool replace) {
  require_image_name(capture.image);
  ports::Transaction transaction(session);
  // Two captures of one image at once: the second adds to what the first has registered, also where there was none.
  transaction.exec("SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('switchback image ' || $1, 0))",
                   {capture.image});
  const auto before = footprint_in(
      transaction.exec("SELECT footprint FROM switchback.image WHERE name = $1 FOR UPDATE", {capture.image}));
  Footprint now = capture.footprint;
  if (before && replace) {
    now.role = before->role;
    now.prepares_star = before->prepares_star;
    now.star_tolerated = before->star_tolerated;
  } else if (before) {
    now = merged(*before, now);
  }
  const std::string document = to_json(now);
  transaction.exec(
      "INSERT INTO switchback.image (name, source, footprint) VALUES ($1, 'capture', $2::jsonb) ON CONFLICT (name) DO "
      "UPDATE SET source = excluded.source, footprint = excluded.footprint",
      {capture.image, document});
  add_event(session, actor, std::nullopt, "image_capture", "", "",
            capture.image + ": by " + capture.through + " as role " + capture.role,
            nlohmann::json{{"image", capture.image},
                           {"role", capture.role},
                           {"through", capture.through},
                           {"replaced", replace},
                           {"footprint", nlohmann::json::parse(document)}}
                .dump());
  transaction.commit();
  return now;
}

}  // namespace switchback::engine
