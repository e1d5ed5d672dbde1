#include "switchback/core/image_name.hpp"

#include "catch.hpp"

using namespace switchback;

TEST_CASE("a live name is made of the image, its name and its tag", "[evidence]") {
  CHECK(live_name("{image}", "shop:v41") == "shop:v41");
  CHECK(live_name("app_{tag}", "shop:v41") == "app_v41");
  CHECK(live_name("{name} {tag}", "registry:5000/shop:v41") == "registry:5000/shop v41");
  CHECK(live_name("{name}-{tag}-", "shop") == "shop--");
}
