#include "switchback/plan_file/manifest_reader.hpp"

#include <algorithm>
#include <array>

#include "fields.hpp"
#include "switchback/core/image_name.hpp"
#include "yaml_tree.hpp"

namespace switchback {
namespace plan_file {
namespace {

/// Reads one manifest from its top-level map.
class ManifestReader {
 public:
  ManifestReader(Findings& findings, const Node& root)
      : findings_(findings), values_(findings), top_(findings, {&root, root.place}, "a manifest", keys) {}

  Manifest read() {
    Manifest manifest;
    if (!top_.is_map()) return manifest;
    Footprint& footprint = manifest.footprint;
    manifest.image = top_.text("image").value_or("");
    if (const Value* image = top_.find("image");
        image != nullptr && !manifest.image.empty() && !is_image_name(manifest.image))
      findings_.error(image->place, "image: '" + shown_image_name(manifest.image) + "' cannot be the name of an image",
                      std::string(image_name_rule));
    footprint.role = top_.identifier("role").value_or("");
    footprint.prepares_star = top_.boolean("prepares_star").value_or(false);
    constexpr std::array<std::string_view, 2> words = {"counts", "tolerated"};
    footprint.star_tolerated = top_.choice("star", words) == std::size_t{1};
    if (const Value* tables = top_.find("tables")) read_tables(*tables, footprint);
    if (const Value* functions = top_.find("functions")) read_names("functions", *functions, footprint.functions);
    if (const Value* types = top_.find("types")) read_names("types", *types, footprint.types);
    if (const Value* statements = top_.find("statements"))
      for (const Value& item : values_.list("statements", *statements))
        if (auto text = values_.text("statements", item)) note_once(footprint.statements, *text);
    if (top_.find("tables") == nullptr && top_.find("statements") == nullptr && !findings_.failed())
      findings_.error(top_.place(), "a manifest that says nothing of what the image needs",
                      "give tables, statements or both; an image without a database has no place here");
    return manifest;
  }

 private:
  static constexpr std::array<std::string_view, 8> keys = {"image", "tables",        "role", "functions",
                                                           "types", "prepares_star", "star", "statements"};

  void read_names(std::string_view key, const Value& list, std::vector<TableName>& into) {
    for (const Value& item : values_.list(key, list))
      if (const auto object = values_.table(key, item)) note_once(into, *object);
  }

  void read_tables(const Value& map, Footprint& footprint) {
    if (map.node->kind != Node::Kind::map) {
      findings_.error(map.place, "tables must be a map, this is " + std::string(kind_name(*map.node)),
                      "write users: { read: [id, full_name], write: [full_name] }");
      return;
    }
    if (map.node->entries.empty()) findings_.error(map.place, "tables is empty", "leave it out");
    for (const auto& [key, value] : free_entries(findings_, *map.node)) {
      const auto table = values_.table("tables", key);
      if (!table) continue;
      if (std::ranges::find(footprint.tables, *table, &TableUse::table) != footprint.tables.end())
        findings_.error(key.place, "tables: " + shown(*table) + " is given twice", "keep one");
      else
        read_use(value, use_of(footprint, *table));
    }
  }

  void read_use(const Value& map, TableUse& use) {
    constexpr std::array<std::string_view, 6> known = {"read", "write", "insert", "delete", "types", "values"};
    const Fields fields(findings_, map, "a table", known);
    if (!fields.is_map()) return;
    if (const Value* read = fields.find("read")) use.reads_all = columns("read", *read, use.reads);
    if (const Value* write = fields.find("write")) use.writes_all = columns("write", *write, use.writes);
    if (const Value* insert = fields.find("insert"))
      read_insert(*insert, use);
    else if (fields.find("write") != nullptr)
      use.insert = InsertForm::named;
    if (use.insert != InsertForm::none) {
      if (fields.find("write") == nullptr)
        findings_.error(map.place, "insert without write", "write: [ … ] says which columns its inserts give");
      use.supplies = use.writes;
      if (use.insert != InsertForm::named) use.positions = use.writes;
    }
    use.deletes = fields.boolean("delete").value_or(false);
    if (const Value* types = fields.find("types")) read_types(*types, use);
    if (const Value* enums = fields.find("values")) read_values(*enums, use);
    if (map.node->entries.empty()) findings_.error(map.place, "a table is empty", "give read, write or both");
  }

  /// True for `"*"`: every column.
  bool columns(std::string_view key, const Value& value, std::vector<std::string>& names) {
    if (value.node->kind == Node::Kind::scalar && value.node->value == "*") return true;
    bool all = false;
    for (const Value& item : values_.list(key, value)) {
      if (item.node->kind == Node::Kind::scalar && item.node->value == "*") {
        all = true;
      } else if (const auto column = values_.identifier(key, item)) {
        if (std::ranges::find(names, *column) != names.end())
          findings_.error(item.place, std::string(key) + ": " + *column + " is given twice", "keep one");
        note_once(names, *column);
      }
    }
    return all;
  }

  void read_insert(const Value& value, TableUse& use) {
    if (value.node->kind == Node::Kind::scalar && value.node->plain && value.node->value == "false") return;
    for (const InsertForm form : {InsertForm::named, InsertForm::positional, InsertForm::copy})
      if (value.node->kind == Node::Kind::scalar && value.node->value == name(form)) {
        use.insert = form;
        return;
      }
    findings_.error(value.place, "insert must be named, positional, copy or false",
                    "positional: INSERT without a list of columns; copy: COPY without one; false: it only updates");
  }

  void read_types(const Value& map, TableUse& use) {
    if (map.node->kind != Node::Kind::map || map.node->entries.empty()) {
      findings_.error(map.place, "types must be a map of columns and their types",
                      "write types: { full_name: text }, as the server writes them");
      return;
    }
    for (const auto& [key, value] : free_entries(findings_, *map.node)) {
      const auto column = values_.identifier("types", key);
      const auto type = values_.text("types", value);
      if (column && type) use.types.emplace_back(*column, *type);
    }
  }

  void read_values(const Value& map, TableUse& use) {
    if (map.node->kind != Node::Kind::map || map.node->entries.empty()) {
      findings_.error(map.place, "values must be a map of columns and the values of their enums",
                      "write values: { status: [new, paid] }: those that the image knows");
      return;
    }
    for (const auto& [key, list] : free_entries(findings_, *map.node)) {
      const auto column = values_.identifier("values", key);
      std::vector<std::string> labels;
      for (const Value& item : values_.list("values", list))
        if (auto label = values_.text("values", item)) note_once(labels, *label);
      if (column) use.values.emplace_back(*column, labels);
    }
  }

  Findings& findings_;
  Values values_;
  Fields top_;
};

}  // namespace
}  // namespace plan_file

ReadManifest read_manifest(std::string_view text, std::string file) {
  plan_file::Findings findings(text, std::move(file));
  ReadManifest result;
  const plan_file::NodePointer root = plan_file::read_tree(text, findings);
  if (root != nullptr && root->kind != plan_file::Node::Kind::null) {
    Manifest manifest = plan_file::ManifestReader(findings, *root).read();
    if (!findings.failed()) result.manifest = std::move(manifest);
  } else if (!findings.failed()) {
    findings.error({1, 1}, "there is nothing in it", "a manifest begins with `image: name:tag`");
  }
  result.diagnostics = findings.take();
  return result;
}

ReadManifest read_manifest_file(const std::string& path) {
  ReadManifest result;
  const auto bytes = plan_file::read_bytes(path, result.diagnostics);
  return bytes ? read_manifest(*bytes, path) : result;
}

}  // namespace switchback
