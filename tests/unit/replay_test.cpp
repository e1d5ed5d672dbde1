#include "switchback/core/replay.hpp"

#include "catch.hpp"

using namespace switchback;

TEST_CASE("neither the text nor the server clears what the other finds in a replayed statement", "[replay]") {
  using T = TextWord;
  using S = ReplayWord;
  using O = ReplayOutcome;
  struct Row {
    T text;
    S server;
    O outcome;
  };
  for (const Row& row :
       {Row{T::clear, S::same, O::ok}, Row{T::clear, S::shape, O::shape}, Row{T::clear, S::refused, O::breaks},
        Row{T::clear, S::none, O::ok}, Row{T::star, S::same, O::shape}, Row{T::star, S::shape, O::shape},
        Row{T::star, S::refused, O::breaks}, Row{T::star, S::none, O::shape}, Row{T::unclear, S::same, O::unknown},
        Row{T::unclear, S::shape, O::unknown}, Row{T::unclear, S::refused, O::breaks},
        Row{T::unclear, S::none, O::unknown}, Row{T::uses, S::same, O::breaks}, Row{T::uses, S::shape, O::breaks},
        Row{T::uses, S::refused, O::breaks}, Row{T::uses, S::none, O::breaks}}) {
    CAPTURE(static_cast<int>(row.text), static_cast<int>(row.server));
    CHECK(joined(row.text, row.server) == row.outcome);
  }
}
