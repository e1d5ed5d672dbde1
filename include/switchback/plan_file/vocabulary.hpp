/// The kinds of changes and steps and their keys, as plan.schema.json has them: a test holds the reader to that schema,
/// so what is written here is what the reader takes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace switchback {

struct KindKey {
  enum class Form {
    text,
    flag,
    names,  ///< a list of names: commas part them
    texts,  ///< a list of any texts
    map,    ///< names with a text each
    any,    ///< a text, a map, and null where `words` has it
  };
  std::string name;
  Form form = Form::text;
  bool required = false;
  std::vector<std::string> words;  ///< the texts that it takes, where they are few
  std::string what;                ///< for people; may be empty
  std::string example;             ///< of the value: `name=value` for a map
};

struct Kind {
  std::string name;
  std::string phase;                ///< "change" for one of the short form, else the first phase that it may stand in
  std::vector<std::string> phases;  ///< all that it may stand in
  std::string what;                 ///< for people; may be empty
  std::vector<KindKey> keys;
  std::vector<std::vector<std::string>> one_of;  ///< keys of which one must be given, for each list

  const KindKey* key(std::string_view key_name) const;
};

/// Whole changes first, then the steps that are none.
const std::vector<Kind>& vocabulary();
/// Null for an unknown one.
const Kind* find_kind(std::string_view name);

}  // namespace switchback
