#include "clone_scene.hpp"

#include "switchback/daemon/schema_clone.hpp"
#include "switchback/postgres/usage.hpp"

namespace switchback::tests {

std::string cloner() {
  server().sql(server().uri(),
               "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'cloner') THEN "
               "CREATE ROLE cloner LOGIN CREATEDB; END IF; END $$");
  return server().as(server().uri(), "cloner");
}

std::string clone_databases() {
  return server().sql(server().uri(),
                      "SELECT string_agg(datname, ',' ORDER BY datname) FROM pg_database WHERE datname LIKE "
                      "'switchback\\_clone\\_%'");
}

CloneWorld::CloneWorld() {
  daemon::CloneOptions options;
  options.database = world.uri;
  options.scratch = cloner();
  clone = std::make_unique<CountingClone>(daemon::make_schema_clone(options));
  world.sample();
  world.watched_for_a_day();
}

StructureEvidence CloneWorld::gather() {
  world.sample();
  return postgres::make_usage_source(clone.get())->gather(*world.session, world.request).at(0);
}

}  // namespace switchback::tests
