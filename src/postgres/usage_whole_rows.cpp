#include <algorithm>

#include "usage_reach.hpp"

namespace switchback::postgres {
namespace {

using ports::Rows;

/// Everything with an expression that is of the tables, or depends on one of them ($1: their oids); what
/// names a column is in the closure. Definitions are SQL that makes the object.
constexpr const char* expressions_sql = R"sql(
WITH of(c, o) AS (
  SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass::oid, k.oid FROM pg_catalog.pg_constraint k
  WHERE k.conrelid = ANY ($1::oid[]) AND k.contype = 'c'
  UNION SELECT 'pg_catalog.pg_policy'::pg_catalog.regclass, y.oid FROM pg_catalog.pg_policy y WHERE y.polrelid = ANY ($1::oid[])
  UNION SELECT 'pg_catalog.pg_rewrite'::pg_catalog.regclass, u.oid FROM pg_catalog.pg_rewrite u WHERE u.ev_class = ANY ($1::oid[])
  UNION SELECT 'pg_catalog.pg_trigger'::pg_catalog.regclass, g.oid FROM pg_catalog.pg_trigger g
    WHERE g.tgrelid = ANY ($1::oid[]) AND (g.tgqual IS NOT NULL OR g.tgnargs > 0)
  UNION SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, x.indexrelid FROM pg_catalog.pg_index x
    WHERE x.indrelid = ANY ($1::oid[]) AND (x.indexprs IS NOT NULL OR x.indpred IS NOT NULL)
  UNION SELECT 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass, s.oid FROM pg_catalog.pg_statistic_ext s
    WHERE s.stxrelid = ANY ($1::oid[])
  UNION SELECT d.classid, d.objid FROM pg_catalog.pg_depend d
    WHERE d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = ANY ($1::oid[])
      AND d.classid IN ('pg_catalog.pg_policy'::pg_catalog.regclass, 'pg_catalog.pg_rewrite'::pg_catalog.regclass,
                        'pg_catalog.pg_proc'::pg_catalog.regclass))
SELECT i.type, i.identity,
       CASE WHEN k.oid IS NOT NULL THEN pg_catalog.format('ALTER TABLE %s ADD CONSTRAINT %I %s', pg_catalog.format('%I.%I', n.nspname, r.relname),
                                                          k.conname, pg_catalog.pg_get_constraintdef(k.oid))
            WHEN y.oid IS NOT NULL THEN pg_catalog.format('CREATE POLICY %I ON %I.%I', y.polname, n.nspname, r.relname)
              || COALESCE(' USING (' || pg_catalog.pg_get_expr(y.polqual, y.polrelid) || ')', '')
              || COALESCE(' WITH CHECK (' || pg_catalog.pg_get_expr(y.polwithcheck, y.polrelid) || ')', '')
            WHEN u.oid IS NOT NULL THEN pg_catalog.pg_get_ruledef(u.oid)
            WHEN g.oid IS NOT NULL THEN pg_catalog.pg_get_triggerdef(g.oid)
            WHEN x.oid IS NOT NULL THEN pg_catalog.pg_get_indexdef(x.oid)
            WHEN s.oid IS NOT NULL THEN pg_catalog.pg_get_statisticsobjdef(s.oid)
            ELSE pg_catalog.pg_get_functiondef(p.oid) END
FROM of CROSS JOIN LATERAL pg_catalog.pg_identify_object(of.c, of.o, 0) i
LEFT JOIN pg_catalog.pg_constraint k ON of.c = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND k.oid = of.o
LEFT JOIN pg_catalog.pg_policy y ON of.c = 'pg_catalog.pg_policy'::pg_catalog.regclass AND y.oid = of.o
LEFT JOIN pg_catalog.pg_rewrite u ON of.c = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND u.oid = of.o
LEFT JOIN pg_catalog.pg_trigger g ON of.c = 'pg_catalog.pg_trigger'::pg_catalog.regclass AND g.oid = of.o
LEFT JOIN pg_catalog.pg_class x ON of.c = 'pg_catalog.pg_class'::pg_catalog.regclass AND x.oid = of.o
LEFT JOIN pg_catalog.pg_statistic_ext s ON of.c = 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass AND s.oid = of.o
LEFT JOIN pg_catalog.pg_proc p ON of.c = 'pg_catalog.pg_proc'::pg_catalog.regclass AND p.oid = of.o AND p.prokind IN ('f', 'p')
LEFT JOIN pg_catalog.pg_class r ON r.oid = COALESCE(k.conrelid, y.polrelid)
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
WHERE u.rulename IS DISTINCT FROM '_RETURN' AND NOT COALESCE(g.tgisinternal, false)
  AND COALESCE(g.tgname, k.conname, '') NOT LIKE '~switchback%' AND COALESCE(k.conname, '') NOT LIKE '\_switchback\_%'
  AND (of.c <> 'pg_catalog.pg_proc'::pg_catalog.regclass OR p.oid IS NOT NULL)
ORDER BY 2)sql";

}  // namespace

void look_for_whole_rows(ports::Session& session, const std::vector<std::string>& tables, Reached& reached) {
  const Rows rows = session.exec(expressions_sql, {array_literal(tables)});
  const auto& known = reached.closure.dependents;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::string identity = rows.text(i, 1);
    if (std::any_of(known.begin(), known.end(), [&](const auto& one) { return one.identity == identity; })) continue;
    const StatementJudgement judged = judge_statement(rows.text(i, 2), reached.target, {true, {}});
    if (judged.use == StatementUse::does_not) continue;
    const Finding finding = judged.use == StatementUse::uses ? Finding::used : Finding::unknown;
    reached.observations.push_back({"catalog", "primary", finding, rows.text(i, 0) + " " + identity + ": " + judged.why,
                                    std::nullopt, "change it so that it does without, or drop it"});
  }
}

}  // namespace switchback::postgres
