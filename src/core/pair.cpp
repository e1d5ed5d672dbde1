#include "switchback/core/pair.hpp"

#include "sync_text.hpp"

namespace switchback {
namespace {

std::string of(std::string_view row, std::string_view column) {
  return std::string(row) + "." + quote_identifier(column);
}

std::vector<std::string> names(const PairSide& side) {
  std::vector<std::string> all;
  for (const SyncColumn& column : side.columns) all.push_back(column.name);
  return all;
}

std::string listed(const std::vector<std::string>& columns, std::string_view row) {
  std::vector<std::string> parts;
  for (const std::string& column : columns) parts.push_back(row.empty() ? quote_identifier(column) : of(row, column));
  return joined(parts, ", ", "");
}

/// `p."user_id" = t."id"`: the sides' keys are in the same order.
std::string same(const std::vector<std::string>& left_key, std::string_view left,
                 const std::vector<std::string>& right_key, std::string_view right) {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < left_key.size(); ++i)
    parts.push_back(of(left, left_key[i]) + " = " + of(right, right_key[i]));
  return joined(parts, " AND ", "true");
}

/// By image: what is equal by the types' operators only is not equal.
std::string differ(const std::string& left, const std::string& right) {
  return "ROW(" + left + ")::pg_catalog.record OPERATOR(pg_catalog.*<>) ROW(" + right + ")::pg_catalog.record";
}
std::string differ(const PairSide& left, std::string_view left_row, const PairSide& right, std::string_view right_row) {
  return differ(listed(names(left), left_row), listed(names(right), right_row));
}

/// Some column is not what it is by default.
std::string is_given(const PairSide& side, std::string_view row) {
  std::vector<std::string> parts;
  for (const SyncColumn& column : side.columns) {
    const std::string value = of(row, column.name);
    parts.push_back(
        column.default_value
            ? differs_sql(column, value, "CAST((" + *column.default_value + ") AS " + qualified_type(column.type) + ")")
            : "(" + value + " IS DISTINCT FROM NULL)");
  }
  return "(" + joined(parts, " OR ", "false") + ")";
}

/// `UPDATE part AS t SET c = s.c FROM base AS s WHERE (the same key) AND (they differ) AND …`
std::string make_equal(const PairSide& target, const PairSide& source, const std::string& is_source) {
  std::vector<std::string> set;
  for (std::size_t i = 0; i < target.columns.size(); ++i)
    set.push_back(quote_identifier(target.columns[i].name) + " = " + of("s", source.columns[i].name));
  return own("UPDATE " + quoted(target.table) + " AS t SET " + joined(set, ", ", "") + " FROM " + quoted(source.table) +
             " AS s WHERE " + is_source + " AND " + same(target.key, "t", source.key, "s") + " AND " +
             differ(target, "t", source, "s"));
}

/// A row of the part, where the base has something for it.
std::string make_part(const Pair& pair, const std::string& is_base) {
  return own("INSERT INTO " + quoted(pair.part.table) + " (" + listed(pair.part.key, "") + ", " +
             listed(names(pair.part), "") + ") OVERRIDING SYSTEM VALUE SELECT " + listed(pair.base.key, "s") + ", " +
             listed(names(pair.base), "s") + " FROM " + quoted(pair.base.table) + " AS s WHERE " + is_base + " AND " +
             is_given(pair.base, "s") + " AND NOT EXISTS (SELECT FROM " + quoted(pair.part.table) + " AS p WHERE " +
             same(pair.part.key, "p", pair.base.key, "s") + ") ON CONFLICT (" + listed(pair.part.key, "") +
             ") DO NOTHING");
}

/// The base has nothing where the part has no row.
std::string empty_base(const Pair& pair, const std::string& is_base) {
  std::vector<std::string> set;
  for (const SyncColumn& column : pair.base.columns) set.push_back(quote_identifier(column.name) + " = DEFAULT");
  return own("UPDATE " + quoted(pair.base.table) + " AS t SET " + joined(set, ", ", "") + " WHERE " + is_base +
             " AND " + is_given(pair.base, "t") + " AND NOT EXISTS (SELECT FROM " + quoted(pair.part.table) +
             " AS p WHERE " + same(pair.part.key, "p", pair.base.key, "t") + ")");
}

std::string remove_part(const Pair& pair, std::string_view base_row) {
  return own("DELETE FROM " + quoted(pair.part.table) + " AS p WHERE " +
             same(pair.part.key, "p", pair.base.key, base_row));
}

// --- the trigger functions -------------------------------------------------------------------------------------

std::string id_of(const Pair& pair) {
  return std::to_string(pair.plan_id) + "_" + std::to_string(pair.number);
}
std::string function_name(const Pair& pair, const PairSide& side) {
  return "switchback." + quote_identifier("pair_" + id_of(pair) + (side.old ? "_old" : "_new"));
}
std::string trigger_name(const Pair& pair, std::string_view end) {
  return quote_identifier("~switchback_p" + id_of(pair) + "_" + std::string(end));
}

/// For pg_catalog.format.
std::string plain(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '%' ? "%%" : std::string(1, c);
  return out;
}

/// Raises what tells a client to run its transaction again.
std::string give_up(const Pair& pair, std::string_view row) {
  const PairSide& old = pair.old_side();
  std::vector<std::string> words;
  std::vector<std::string> values;
  for (std::size_t i = 0; i < old.key.size(); ++i) {
    words.push_back(plain(shown(std::string_view(old.key[i]))) + " = %s");
    values.push_back(of(row, pair.new_side().key[i]));
  }
  return "RAISE EXCEPTION USING ERRCODE = 'serialization_failure', MESSAGE = pg_catalog.format(" +
         quote_literal("the row of " + plain(shown(old.table)) + " with " + joined(words, ", ", "") +
                       " is being written by another transaction, which may be waiting for this one") +
         ", " + joined(values, ", ", "") +
         "), HINT = 'Run the transaction again: while both sides are kept equal, who writes the new one waits only "
         "shortly for who writes the old one.';";
}

/// The old side's row of the new side's `row`. It is asked for again and again, not waited for: who stood in the queue
/// of those who wait for that row could make a deadlock of it.
std::string lock_old(const Pair& pair, std::string_view row, const std::string& indent) {
  const PairSide& old = pair.old_side();
  const std::string rows = " FROM " + quoted(old.table) + " AS o WHERE " + same(old.key, "o", pair.new_side().key, row);
  const std::string in = "\n" + indent;
  return in + "patience_ends := pg_catalog.clock_timestamp() + interval '" + std::to_string(pair.patience.count()) +
         " ms';" + in + "LOOP" + in + "  " + own("PERFORM" + rows) + " FOR NO KEY UPDATE SKIP LOCKED;" + in +
         "  EXIT WHEN FOUND OR NOT EXISTS (" + own("SELECT" + rows) + ");" + in +
         "  IF pg_catalog.clock_timestamp() > patience_ends THEN" + in + "    " + give_up(pair, row) + in +
         "  END IF;" + in + "  PERFORM pg_catalog.pg_sleep(0.002);" + in + "END LOOP;";
}

std::string key_changed(const PairSide& side) {
  return differ(listed(side.key, "OLD"), listed(side.key, "NEW"));
}

std::string base_body(const Pair& pair) {
  const std::string is_new = same(pair.base.key, "s", pair.base.key, "NEW");
  std::string before;
  if (!pair.base.old) before += "    IF TG_OP <> 'INSERT' THEN" + lock_old(pair, "OLD", "      ") + "\n    END IF;\n";
  if (pair.made)
    // Before its row goes: a foreign key of the part may act on that at once. What empties the base is not to write it.
    before +=
        "    IF TG_OP = 'DELETE' THEN\n      PERFORM pg_catalog.set_config('switchback.pair_base_goes', 'on', true);\n"
        "      " +
        remove_part(pair, "OLD") +
        ";\n      PERFORM pg_catalog.set_config('switchback.pair_base_goes', '', true);\n    END IF;\n";
  std::string sql;
  if (!before.empty())
    sql += "  IF TG_WHEN = 'BEFORE' THEN\n" + before +
           "    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;\n    RETURN NEW;\n  END IF;\n";
  if (pair.made) {
    sql += "  IF TG_OP = 'TRUNCATE' THEN\n    TRUNCATE TABLE " + quoted(pair.part.table) +
           ";\n    RETURN NULL;\n  END IF;\n";
    sql += "  IF TG_OP = 'UPDATE' THEN\n    IF " + key_changed(pair.base) + " THEN\n      " + remove_part(pair, "OLD") +
           " AND NOT EXISTS (SELECT FROM " + quoted(pair.base.table) + " AS b WHERE " +
           same(pair.base.key, "b", pair.base.key, "OLD") + ");\n    END IF;\n  END IF;\n";
  }
  // The part's row may have been there first, where no foreign key says otherwise.
  sql += "  IF TG_OP = 'INSERT' THEN\n    IF NOT " + is_given(pair.base, "NEW") + " THEN\n      " +
         make_equal(pair.base, pair.part, same(pair.part.key, "s", pair.base.key, "NEW")) +
         ";\n      RETURN NULL;\n    END IF;\n  END IF;\n";
  if (pair.made && pair.base.old) sql += "  " + make_part(pair, is_new) + ";\n";
  // Who is making the same row for the old side waits for this one then, and a deadlock must not end his statement.
  if (pair.made && !pair.base.old)
    sql += "  IF NOT EXISTS (" +
           own("SELECT FROM " + quoted(pair.part.table) + " AS p WHERE " +
               same(pair.part.key, "p", pair.base.key, "NEW")) +
           ") THEN\n    BEGIN\n      was := pg_catalog.current_setting('lock_timeout');\n      PERFORM "
           "pg_catalog.set_config('lock_timeout', '" +
           std::to_string(pair.patience.count()) + "ms', true);\n      " + make_part(pair, is_new) +
           ";\n      PERFORM pg_catalog.set_config('lock_timeout', was, true);\n    EXCEPTION WHEN lock_not_available "
           "THEN\n      " +
           give_up(pair, "NEW") + "\n    END;\n  END IF;\n";
  return sql + "  " + make_equal(pair.part, pair.base, is_new) + ";\n";
}

std::string part_body(const Pair& pair) {
  const std::string is_new = same(pair.part.key, "s", pair.part.key, "NEW");
  const std::string from_base = make_equal(pair.part, pair.base, same(pair.base.key, "s", pair.part.key, "NEW"));
  std::string sql;
  if (pair.base.old) {
    sql += "  IF TG_WHEN = 'BEFORE' THEN\n    IF TG_OP = 'DELETE' THEN" + lock_old(pair, "OLD", "      ") +
           "\n      RETURN OLD;\n    END IF;" + lock_old(pair, "NEW", "    ") + "\n";
    if (!pair.made) {
      std::vector<std::string> take;
      for (std::size_t i = 0; i < pair.part.columns.size(); ++i)
        take.push_back("        " + of("NEW", pair.part.columns[i].name) +
                       " := " + of("held", pair.base.columns[i].name) + ";\n");
      sql += "    IF TG_OP = 'INSERT' THEN\n      IF NOT " + is_given(pair.part, "NEW") + " THEN\n        " +
             own("SELECT " + listed(names(pair.base), "b") + " INTO held FROM " + quoted(pair.base.table) +
                 " AS b WHERE " + same(pair.base.key, "b", pair.part.key, "NEW")) +
             ";\n        IF FOUND THEN\n" + joined(take, "", "") + "        END IF;\n      END IF;\n    END IF;\n";
    }
    sql += "    RETURN NEW;\n  END IF;\n";
  }
  if (pair.made) {
    sql += "  IF TG_OP = 'TRUNCATE' THEN\n    " + empty_base(pair, "true") + ";\n    RETURN NULL;\n  END IF;\n";
    sql +=
        "  IF TG_OP = 'DELETE' THEN\n    IF pg_catalog.current_setting('switchback.pair_base_goes', true) IS DISTINCT "
        "FROM 'on' THEN\n      " +
        empty_base(pair, same(pair.base.key, "t", pair.part.key, "OLD")) +
        ";\n    END IF;\n    RETURN NULL;\n  END IF;\n";
    sql += "  IF TG_OP = 'UPDATE' THEN\n    IF " + key_changed(pair.part) + " THEN\n      " +
           empty_base(pair, same(pair.base.key, "t", pair.part.key, "OLD")) + ";\n    END IF;\n  END IF;\n";
  } else {
    // It belongs to another row of the base now, and that one's value must not get lost.
    sql += "  IF TG_OP = 'UPDATE' THEN\n    IF " + key_changed(pair.part) + " THEN\n      " + from_base +
           ";\n      RETURN NULL;\n    END IF;\n  END IF;\n";
  }
  return sql + "  " + make_equal(pair.base, pair.part, is_new) + ";\n";
}

std::string function_sql(const Pair& pair, const PairSide& side) {
  const std::string body =
      "\nDECLARE\n  held pg_catalog.record;\n  patience_ends pg_catalog.timestamptz;\n  was pg_catalog.text;\nBEGIN\n" +
      (&side == &pair.base ? base_body(pair) : part_body(pair)) + "  RETURN NULL;\nEND\n";
  return "CREATE OR REPLACE FUNCTION " + function_name(pair, side) +
         "() RETURNS pg_catalog.trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET "
         "row_security = off SET " +
         std::string(pair_setting) + " = 'on' AS " + dollar_quote(body);
}

/// One trigger of a side.
struct Trigger {
  std::string_view end;     ///< of its name
  std::string_view events;  ///< "BEFORE INSERT OR DELETE"
  bool of_change = false;   ///< an UPDATE that changes the key or the columns
  bool of_statement = false;
};

std::vector<Trigger> triggers_of(const Pair& pair, const PairSide& side) {
  const bool base = &side == &pair.base;
  if (pair.only_back && side.old) return {};
  std::vector<Trigger> all;
  if (!side.old) all.push_back({"b", "BEFORE UPDATE", true, false});
  if (!base && !side.old) all.push_back({"a", pair.made ? "BEFORE INSERT OR DELETE" : "BEFORE INSERT", false, false});
  if (base && (pair.made || !side.old)) all.push_back({"a", "BEFORE DELETE", false, false});
  all.push_back({"c", !base && pair.made ? "AFTER INSERT OR DELETE" : "AFTER INSERT", false, false});
  all.push_back({"d", "AFTER UPDATE", true, false});
  if (pair.made) all.push_back({"e", "AFTER TRUNCATE", false, true});
  return all;
}

constexpr std::string_view all_ends[] = {"a", "b", "c", "d", "e"};

void add_triggers(std::vector<std::string>& sql, const Pair& pair, const PairSide& side) {
  std::vector<std::string> all = side.key;
  for (const std::string& column : names(side)) all.push_back(column);
  std::vector<std::string> always;
  for (const Trigger& trigger : triggers_of(pair, side)) {
    const std::string name = trigger_name(pair, trigger.end);
    sql.push_back("CREATE TRIGGER " + name + " " + std::string(trigger.events) + " ON " + quoted(side.table) +
                  " FOR EACH " + (trigger.of_statement ? "STATEMENT" : "ROW") +
                  (trigger.of_change ? " WHEN (" + differ(listed(all, "OLD"), listed(all, "NEW")) + ")" : "") +
                  " EXECUTE FUNCTION " + function_name(pair, side) + "()");
    always.push_back("ENABLE ALWAYS TRIGGER " + name);
  }
  if (!always.empty()) sql.push_back("ALTER TABLE " + quoted(side.table) + " " + joined(always, ", ", ""));
}

void drop_triggers(std::vector<std::string>& sql, const Pair& pair) {
  for (const PairSide* side : {&pair.old_side(), &pair.new_side()})
    for (const std::string_view end : all_ends)
      sql.push_back("DROP TRIGGER IF EXISTS " + trigger_name(pair, end) + " ON " + quoted(side->table));
}

// --- rows ------------------------------------------------------------------------------------------------------

const PairSide& side_of(const Pair& pair, PairSource source) {
  return source == PairSource::old_side ? pair.old_side() : pair.new_side();
}

std::string keys_as_text(const PairSide& side, std::string_view row) {
  std::vector<std::string> parts;
  for (const std::string& column : side.key) parts.push_back(of(row, column) + "::pg_catalog.text");
  return joined(parts, ", ", "");
}

/// The part's row beside each of the base, `p`; looked up by its key, at any size of either.
std::string with_part(const Pair& pair, const TableName& leaf) {
  return " FROM ONLY " + quoted(leaf) + " AS t LEFT JOIN LATERAL (SELECT true AS \"~there\", " +
         listed(names(pair.part), "p") + " FROM " + quoted(pair.part.table) + " AS p WHERE " +
         same(pair.part.key, "p", pair.base.key, "t") + " OFFSET 0) AS p ON true WHERE ";
}

}  // namespace

std::vector<std::string> pair_functions_sql(const Pair& pair) {
  return {function_sql(pair, pair.base), function_sql(pair, pair.part)};
}

std::vector<std::string> pair_sql(const Pair& pair) {
  std::vector<std::string> sql;
  drop_triggers(sql, pair);
  for (std::string& one : pair_functions_sql(pair)) sql.push_back(std::move(one));
  add_triggers(sql, pair, pair.old_side());
  add_triggers(sql, pair, pair.new_side());
  return sql;
}

std::vector<std::string> pair_drop_sql(const Pair& pair) {
  std::vector<std::string> sql;
  drop_triggers(sql, pair);
  for (const PairSide* side : {&pair.base, &pair.part})
    sql.push_back("DROP FUNCTION IF EXISTS " + function_name(pair, *side) + "()");
  return sql;
}

std::vector<std::string> pair_fill_sql(const Pair& pair, PairSource from, const TableName& leaf,
                                       const std::string& range) {
  const PairSide& source = side_of(pair, from);
  const PairSide& target = &source == &pair.base ? pair.part : pair.base;
  const bool base_is_source = &source == &pair.base;
  std::vector<std::string> sql;
  std::vector<std::string> keys;
  std::vector<std::string> same_key;
  std::vector<std::string> same_locked;
  std::vector<std::string> values;
  std::vector<std::string> set;
  for (std::size_t i = 0; i < source.key.size(); ++i) {
    const std::string number = std::to_string(i + 1);
    keys.push_back(of("t", pair.base.key[i]) + " AS k" + number);
    same_key.push_back(of("x", target.key[i]) + " = s.k" + number);
    same_locked.push_back(of("x", target.key[i]) + " = l.k" + number + " AND s.k" + number + " = l.k" + number);
  }
  for (std::size_t i = 0; i < source.columns.size(); ++i) {
    const std::string number = std::to_string(i + 1);
    values.push_back(of(base_is_source ? "t" : "p", source.columns[i].name) + " AS c" + number);
    set.push_back(quote_identifier(target.columns[i].name) + " = s.c" + number);
  }
  std::vector<std::string> locked;
  for (std::size_t i = 0; i < target.key.size(); ++i)
    locked.push_back(of("x", target.key[i]) + " AS k" + std::to_string(i + 1));
  if (base_is_source && pair.made)
    sql.push_back("INSERT INTO " + quoted(pair.part.table) + " (" + listed(pair.part.key, "") + ", " +
                  listed(names(pair.part), "") + ") OVERRIDING SYSTEM VALUE SELECT " + listed(pair.base.key, "t") +
                  ", " + listed(names(pair.base), "t") + " FROM ONLY " + quoted(leaf) + " AS t WHERE " + range +
                  " AND " + is_given(pair.base, "t") + " FOR SHARE SKIP LOCKED ON CONFLICT (" +
                  listed(pair.part.key, "") + ") DO NOTHING");
  sql.push_back("WITH s AS MATERIALIZED (SELECT " + joined(keys, ", ", "") + ", " + joined(values, ", ", "") +
                " FROM ONLY " + quoted(leaf) + " AS t JOIN " + quoted(pair.part.table) + " AS p ON " +
                same(pair.part.key, "p", pair.base.key, "t") + " WHERE " + range + " AND " +
                differ(pair.base, "t", pair.part, "p") + " FOR SHARE OF " + (base_is_source ? "t" : "p") +
                " SKIP LOCKED), l AS MATERIALIZED (SELECT " + joined(locked, ", ", "") + " FROM " +
                quoted(target.table) + " AS x JOIN s ON " + joined(same_key, " AND ", "") +
                " FOR NO KEY UPDATE OF x SKIP LOCKED) UPDATE " + quoted(target.table) + " AS x SET " +
                joined(set, ", ", "") + " FROM s, l WHERE " + joined(same_locked, " AND ", ""));
  return sql;
}

std::string pair_differing_sql(const Pair& pair, const TableName& leaf, const std::string& range) {
  return "SELECT " + keys_as_text(pair.base, "t") + with_part(pair, leaf) + range + " AND (p.\"~there\" AND " +
         differ(pair.base, "t", pair.part, "p") +
         (pair.made ? " OR p.\"~there\" IS NULL AND " + is_given(pair.base, "t") : "") + ")";
}

std::vector<std::string> pair_mend_sql(const Pair& pair, PairSource source, const std::string& is_row) {
  const auto lock = [&](const PairSide& side) {
    return &side == &pair.base
               ? "SELECT FROM " + quoted(pair.base.table) + " AS t WHERE " + is_row + " FOR NO KEY UPDATE"
               : "SELECT FROM " + quoted(pair.part.table) + " AS p WHERE (" + listed(pair.part.key, "p") +
                     ") IN (SELECT " + listed(pair.base.key, "t") + " FROM " + quoted(pair.base.table) +
                     " AS t WHERE " + is_row + ") FOR NO KEY UPDATE";
  };
  std::vector<std::string> sql{lock(pair.old_side()), lock(pair.new_side())};
  const std::string is_base = "(" + listed(pair.base.key, "s") + ") IN (SELECT " + listed(pair.base.key, "t") +
                              " FROM " + quoted(pair.base.table) + " AS t WHERE " + is_row + ")";
  if (&side_of(pair, source) == &pair.base) {
    if (pair.made) sql.push_back(make_part(pair, is_base));
    sql.push_back(make_equal(pair.part, pair.base, is_base));
    return sql;
  }
  const std::string is_part = "(" + listed(pair.part.key, "s") + ") IN (SELECT " + listed(pair.base.key, "t") +
                              " FROM " + quoted(pair.base.table) + " AS t WHERE " + is_row + ")";
  if (pair.made) sql.push_back(empty_base(pair, is_row));
  sql.push_back(make_equal(pair.base, pair.part, is_part));
  return sql;
}

std::string pair_homeless_sql(const Pair& pair, const TableName& leaf, const std::string& range) {
  if (!pair.base.old)
    return "SELECT " + keys_as_text(pair.part, "t") + " FROM ONLY " + quoted(leaf) + " AS t WHERE " + range + " AND " +
           is_given(pair.part, "t") + " AND NOT EXISTS (SELECT FROM " + quoted(pair.base.table) + " AS b WHERE " +
           same(pair.base.key, "b", pair.part.key, "t") + ")";
  if (pair.made) return "";
  return "SELECT " + keys_as_text(pair.base, "t") + with_part(pair, leaf) + range + " AND p.\"~there\" IS NULL AND " +
         is_given(pair.base, "t");
}

std::string pair_not_carried_sql(const Pair& pair) {
  const PairSide& held = pair.new_side();
  const PairSide& other = pair.old_side();
  return "SELECT pg_catalog.count(*) FROM " + quoted(held.table) + " AS t WHERE " + is_given(held, "t") +
         " AND NOT EXISTS (SELECT FROM " + quoted(other.table) + " AS o WHERE " + same(other.key, "o", held.key, "t") +
         ")";
}

}  // namespace switchback
