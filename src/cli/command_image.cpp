#include "command_images.hpp"
#include "render_images.hpp"
#include "switchback/engine/gating.hpp"
#include "switchback/engine/images.hpp"
#include "switchback/engine/type_names.hpp"
#include "switchback/plan_file/manifest_reader.hpp"
#include "switchback/postgres/image_asking.hpp"

namespace switchback::cli {
namespace {

struct AddOptions {
  std::string name;
  std::string manifest;
  std::string label_json;
};

Manifest manifest_from(Invocation& invocation, const AddOptions& options) {
  const bool label = !options.label_json.empty();
  if (label == !options.manifest.empty())
    throw usage_error("image add takes one of --manifest and --label-json", "switchback image add --help");
  ReadManifest read = label ? read_manifest(labelled_manifest(content_of(options.label_json), options.name),
                                            options.label_json + " (label " + std::string(manifest_label) + ")")
                            : read_manifest_file(options.manifest);
  if (!read.manifest) throw FileError(read.diagnostics, "this is not a manifest that can be used");
  for (const Diagnostic& found : read.diagnostics) invocation.warn(render(found));
  Manifest manifest = *std::move(read.manifest);
  if (manifest.image.empty()) manifest.image = options.name;
  if (manifest.image.empty()) throw usage_error("the manifest does not name its image", "switchback image add NAME …");
  if (!options.name.empty() && options.name != manifest.image)
    throw Error(Exit::invalid, Remedy::person, "the manifest is that of " + manifest.image + ", not of " + options.name,
                "leave the name out, or take the manifest of that image");
  return manifest;
}

/// What the statements need, with bare names resolved by the tables that are there now.
void add_needs_of_statements(ports::Session& session, Footprint& footprint) {
  const std::vector<std::string> statements = footprint.statements;
  postgres::add_statements(footprint, statements, known_columns(session, statements));
}

void remember_prepared(ports::Session& session, const std::string& image) {
  postgres::ImageAsking asking;
  engine::remember_prepared(session, image, asking);
}

int add(Invocation& invocation, const AddOptions& options) {
  Manifest manifest = manifest_from(invocation, options);
  const auto session = invocation.writing();
  engine::settle_types(*session, manifest.footprint);
  add_needs_of_statements(*session, manifest.footprint);
  engine::register_image(*session, invocation.actor(), manifest.image, options.manifest.empty() ? "label" : "manifest",
                         manifest.footprint);
  remember_prepared(*session, manifest.image);
  for (const std::string& unclear : manifest.footprint.unclear)
    invocation.warn(unclear + " is unclear: the gates say unknown until the manifest names it under tables");
  if (invocation.json())
    for (const RegisteredImage& image : engine::registered_images(*session))
      if (image.name == manifest.image) invocation.data(images_json({image}));
  invocation.say(manifest.image + " is registered; next: switchback gate deploy " + manifest.image);
  return 0;
}

struct MarkOptions {
  std::string name;
  std::string reason;
  std::string environment;
  std::string at;
};

int deployed(Invocation& invocation, const MarkOptions& options) {
  const auto session = invocation.writing();
  const bool known = engine::record_deployment(*session, invocation.actor(), options.name, options.environment,
                                               options.at.empty() ? std::nullopt : std::optional(options.at));
  if (known) {
    remember_prepared(*session, options.name);
  } else {
    const auto near = engine::nearest_image(*session, options.name);
    invocation.warn("nobody registered " + options.name + (near ? " (did you mean " + *near + "?)" : "") +
                    ": what it needs is not known, and contracts wait for it until switchback image add " +
                    options.name + " --manifest FILE");
  }
  invocation.say(options.name + " is deployed" + (options.environment.empty() ? "" : " to " + options.environment) +
                 ", on record; next: switchback image list --horizon");
  return 0;
}

int retire(Invocation& invocation, const MarkOptions& options) {
  const auto session = invocation.writing();
  engine::retire(*session, invocation.actor(), options.name, options.reason);
  invocation.say(options.name +
                 " is retired: it is in the horizon only while it runs, or is pinned; image deployed takes it back");
  return 0;
}

int pin(Invocation& invocation, const MarkOptions& options) {
  const auto session = invocation.writing();
  engine::set_pinned(*session, invocation.actor(), options.name, options.reason);
  invocation.say(options.name + " stays in the horizon until switchback image unpin " + options.name);
  return 0;
}

int unpin(Invocation& invocation, const MarkOptions& options) {
  const auto session = invocation.writing();
  const bool was = engine::set_pinned(*session, invocation.actor(), options.name, std::nullopt);
  invocation.say(options.name + (was ? " is no longer pinned" : " was not pinned: nothing has changed"));
  return 0;
}

struct ListOptions {
  bool horizon = false;
};

int list(Invocation& invocation, const ListOptions& options) {
  const auto session = invocation.reading();
  if (!options.horizon) {
    const auto images = engine::registered_images(*session);
    invocation.data(invocation.json() ? images_json(images) : images_text(images, invocation.out()));
    return 0;
  }
  const auto images = horizon(engine::horizon_facts(*session), engine::horizon_rules(invocation.settings()),
                              engine::server_now(*session));
  invocation.data(invocation.json() ? horizon_json(images) : horizon_text(images, invocation.out()));
  return 0;
}

CLI::App* add_marking(CLI::App& image, Action& chosen, const std::string& verb, const Help& help, bool reason,
                      const std::shared_ptr<MarkOptions>& options, int (*action)(Invocation&, const MarkOptions&)) {
  CLI::App* command = add_command(image, verb, help);
  command->add_option("IMAGE", options->name, "the image's name")->type_name("")->required();
  if (reason) command->add_option("--reason", options->reason, "why; on record")->type_name("TEXT")->required();
  on_call(command, chosen, options, action);
  return command;
}

void add_add(CLI::App& image, Action& chosen) {
  CLI::App* command = add_command(
      image, "add",
      {"Register what an image needs of the database, from its manifest; again: the new manifest takes the old one's "
       "place. In the database where it will run: bare column names in its statements are resolved by the tables "
       "there.",
       "switchback image add --manifest shop-v41.yaml\n"
       "docker inspect shop:v41 | switchback image add shop:v41 --label-json -",
       "switchback gate deploy IMAGE; switchback image deployed IMAGE when it is.\n\n"
       "The label is " +
           std::string(manifest_label) + ", the manifest's YAML its value."});
  auto options = std::make_shared<AddOptions>();
  command->add_option("IMAGE", options->name, "the image's name; left out: as its manifest says")->type_name("");
  command->add_option("--manifest", options->manifest, "the manifest")->type_name("FILE");
  command
      ->add_option("--label-json", options->label_json,
                   "what docker inspect or skopeo inspect printed; -: standard input")
      ->type_name("FILE");
  on_call(command, chosen, options, add);
}

}  // namespace

postgres::KnownColumns known_columns(ports::Session& session, const std::vector<std::string>& statements) {
  postgres::KnownColumns known;
  for (const auto& [table, facts] : engine::live_catalog(session, postgres::tables_in(statements)))
    for (const CatalogColumn& column : facts.columns) known[table].push_back(column.name);
  return known;
}

void add_image(CLI::App& app, Action& chosen) {
  CLI::App* image =
      add_command(app, "image",
                  {"The registry of images: what each needs of the database, and which one may still "
                   "have to run.",
                   "switchback image list --horizon", "switchback gate deploy IMAGE asks whether it may be deployed."});
  add_add(*image, chosen);
  add_capture(*image, chosen);
  auto deployment = std::make_shared<MarkOptions>();
  CLI::App* command =
      add_marking(*image, chosen, "deployed",
                  {"Put on record that an image was deployed: for a pipeline, after it did.",
                   "switchback image deployed shop:v42 --environment production", "switchback image list --horizon"},
                  false, deployment, deployed);
  command->add_option("--environment", deployment->environment, "where")->type_name("NAME");
  command->add_option("--at", deployment->at, "when, as timestamptz takes it; left out: now")->type_name("TIME");
  add_marking(*image, chosen, "retire",
              {"Nobody goes back to it: out of the horizon unless it runs.",
               "switchback image retire shop:v39 --reason \"loses orders\"",
               "switchback image list --horizon; image deployed takes it back."},
              true, std::make_shared<MarkOptions>(), retire);
  add_marking(*image, chosen, "pin",
              {"Keep it in the horizon whatever else is said.",
               "switchback image pin shop:v41 --reason \"the branch in Oslo\"", "switchback image unpin shop:v41"},
              true, std::make_shared<MarkOptions>(), pin);
  add_marking(*image, chosen, "unpin",
              {"Take a pin back.", "switchback image unpin shop:v41", "switchback image list --horizon"}, false,
              std::make_shared<MarkOptions>(), unpin);
  add_sync(*image, chosen);
  CLI::App* listing = add_command(
      *image, "list",
      {"Every registered image and what it needs; with --horizon those one may still have to run, each with why.",
       "switchback image list -o json\nswitchback image list --horizon",
       "an unknown image: switchback image add IMAGE --manifest FILE."});
  auto options = std::make_shared<ListOptions>();
  listing->add_flag("--horizon", options->horizon, "the horizon instead");
  on_call(listing, chosen, options, list);
}

}  // namespace switchback::cli
