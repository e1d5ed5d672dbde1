#include "switchback/core/image_name.hpp"

#include <vector>

#include "catch.hpp"

using namespace switchback;

TEST_CASE("a live name is made of the image, its name and its tag", "[evidence]") {
  CHECK(live_name("{image}", "shop:v41") == "shop:v41");
  CHECK(live_name("app_{tag}", "shop:v41") == "app_v41");
  CHECK(live_name("{name} {tag}", "registry:5000/shop:v41") == "registry:5000/shop v41");
  CHECK(live_name("{name}-{tag}-", "shop") == "shop--");
}

TEST_CASE("an image's name is what Docker takes for a reference, and nothing that a shell or a log reads otherwise",
          "[image]") {
  const std::string digest = "@sha256:" + std::string(64, 'a');
  for (const std::string& name :
       std::vector<std::string>{"shop", "shop:v41", "registry.example:5000/team/shop:v41" + digest, "Shop_2.0-rc1+x"}) {
    CAPTURE(name);
    CHECK(is_image_name(name));
    CHECK_NOTHROW(require_image_name(name));
  }
  for (const std::string& name : {std::string(), std::string("-shop"), std::string("shop v1"), std::string("shop\n"),
                                  std::string("shop;rm -rf"), std::string("$(id)"), std::string("shop'"),
                                  std::string("sh\0op", 5), std::string("\x1b[31m"), std::string(256, 'a')}) {
    CAPTURE(name);
    CHECK_FALSE(is_image_name(name));
    CHECK_THROWS_WITH(require_image_name(name), Catch::Contains("cannot be the name of an image"));
  }
  CHECK(shown_image_name("a\x1b[31m") == "a?[31m");
  CHECK(shown_image_name(std::string(5000, 'a')).size() < 100);
}
