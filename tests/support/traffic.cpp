#include "traffic.hpp"

#include <algorithm>
#include <chrono>
#include <random>

#include "switchback/core/error.hpp"
#include "switchback/postgres/session.hpp"

namespace switchback::tests {
namespace {

std::unique_ptr<ports::Session> application(const std::string& uri, ShopImage image) {
  postgres::ConnectOptions options;
  options.database = uri;
  options.application_name = image == ShopImage::v41 ? "shop:v41" : "shop:v42";
  options.lock_timeout = std::chrono::milliseconds(0);
  options.row_security_off = false;
  return postgres::connect(options);
}

/// What one image would send for one change of one row. Names are made of letters and digits.
struct Statement {
  std::string sql;
  std::optional<Traffic::Name> then;
};

class Writer {
 public:
  Writer(ShopImage image, unsigned seed) : image_(image), random_(seed) {}

  Statement next(std::int64_t id, const std::optional<Traffic::Name>& now) {
    const std::string key = std::to_string(id);
    if (!now) return born(key);
    switch (roll(10)) {
      case 0:
        return {"DELETE FROM public.users WHERE id = " + key, std::nullopt};
      case 1:
      case 2:
        return {"UPDATE public.users SET email = 'e" + word() + "' WHERE id = " + key, now};
      case 3: {
        const Traffic::Name name{word(), word()};
        return {upsert(key, name), name};
      }
      case 4:
        return one_part(key, *now);
      default: {
        const Traffic::Name name{word(), word()};
        return {"UPDATE public.users SET " + assign(name) + " WHERE id = " + key, name};
      }
    }
  }
  int roll(int sides) { return static_cast<int>(random_() % static_cast<unsigned>(sides)); }

 private:
  std::string word() { return "W" + std::to_string(random_() % 1000000); }
  std::string assign(const Traffic::Name& name) const {
    return image_ == ShopImage::v41 ? "full_name = '" + name.first + " " + name.last + "'"
                                    : "first_name = '" + name.first + "', last_name = '" + name.last + "'";
  }
  Statement born(const std::string& key) {
    const Traffic::Name name{word(), word()};
    return {insert(key, name), name};
  }
  std::string insert(const std::string& key, const Traffic::Name& name) const {
    return image_ == ShopImage::v41
               ? "INSERT INTO public.users (id, full_name) VALUES (" + key + ", '" + name.first + " " + name.last + "')"
               : "INSERT INTO public.users (id, first_name, last_name) VALUES (" + key + ", '" + name.first + "', '" +
                     name.last + "')";
  }
  std::string upsert(const std::string& key, const Traffic::Name& name) const {
    return insert(key, name) + " ON CONFLICT (id) DO UPDATE SET " +
           (image_ == ShopImage::v41 ? "full_name = excluded.full_name"
                                     : "first_name = excluded.first_name, last_name = excluded.last_name");
  }
  Statement one_part(const std::string& key, Traffic::Name name) {
    name.last = word();
    if (image_ == ShopImage::v42)
      return {"UPDATE public.users SET last_name = '" + name.last + "' WHERE id = " + key, name};
    return {"UPDATE public.users SET full_name = pg_catalog.split_part(full_name, ' ', 1) || ' " + name.last +
                "' WHERE id = " + key,
            name};
  }

  ShopImage image_;
  std::mt19937 random_;
};

}  // namespace

void make_users(const std::string& uri, int rows) {
  postgres::ConnectOptions options;
  options.database = uri;
  const auto session = postgres::connect(options);
  session->exec("CREATE EXTENSION IF NOT EXISTS pg_stat_statements SCHEMA public");
  session->exec("CREATE TABLE public.users (id bigint PRIMARY KEY, full_name text NOT NULL, email text)");
  session->exec(
      "INSERT INTO public.users SELECT i, 'First' || i || ' Last' || i, i || '@example.org' FROM "
      "pg_catalog.generate_series(1, " +
      std::to_string(rows) + ") i");
  session->exec("CREATE INDEX users_full_name_idx ON public.users (full_name)");
  session->exec("ANALYZE public.users");
}

Traffic::Traffic(std::string uri, ShopImage image, int writers, int rows, int first, int of, unsigned seed)
    : uri_(std::move(uri)), image_(image), rows_(rows), first_(first), of_(of), writers_(writers) {
  for (int i = 0; i < writers; ++i)
    threads_.emplace_back([this, i, seed] { write(i, seed + static_cast<unsigned>(i)); });
}

Traffic::~Traffic() {
  stop();
}

void Traffic::stop() {
  stopping_ = true;
  for (std::thread& thread : threads_)
    if (thread.joinable()) thread.join();
}

std::vector<std::string> Traffic::failures() {
  const std::lock_guard lock(mutex_);
  return failures_;
}

std::map<std::int64_t, std::optional<Traffic::Name>> Traffic::acknowledged() {
  const std::lock_guard lock(mutex_);
  auto all = acknowledged_;
  for (const auto& [id, doubtful] : in_doubt_)
    if (doubtful) all.erase(id);
  return all;
}

void Traffic::write(int number, unsigned seed) {
  Writer writer(image_, seed);
  std::unique_ptr<ports::Session> session;
  const int mine = first_ * writers_ + number;
  const int all = of_ * writers_;
  while (!stopping_) {
    // A pause between statements, so that the application is busy but does not own both cores.
    std::this_thread::sleep_for(std::chrono::milliseconds(slow_ ? 50 : 2));
    const int of_mine = (rows_ - 1 - mine) / all + 1;
    const std::int64_t id = 1 + mine + static_cast<std::int64_t>(writer.roll(of_mine)) * all;
    std::optional<Name> now = Name{"First" + std::to_string(id), "Last" + std::to_string(id)};
    {
      const std::lock_guard lock(mutex_);
      if (in_doubt_.contains(id)) continue;
      if (const auto found = acknowledged_.find(id); found != acknowledged_.end()) now = found->second;
    }
    const Statement statement = writer.next(id, now);
    try {
      if (!session) session = application(uri_, image_);
      session->exec(statement.sql);
      ++writes_;
      const std::lock_guard lock(mutex_);
      acknowledged_[id] = statement.then;
    } catch (const Error& error) {
      const bool gone = error.remedy() == Remedy::reconnect || error.exit() == Exit::unreachable;
      const std::lock_guard lock(mutex_);
      if (gone)
        in_doubt_[id] = true;
      else
        failures_.push_back(error.sqlstate() + " " + error.what() + ": " + statement.sql);
      if (gone) session.reset();
    }
  }
}

std::vector<std::string> lost_writes(const std::string& uri,
                                     const std::map<std::int64_t, std::optional<Traffic::Name>>& acknowledged,
                                     ShopImage through) {
  postgres::ConnectOptions options;
  options.database = uri;
  const auto session = postgres::connect(options);
  const auto rows =
      session->exec(through == ShopImage::v42 ? "SELECT id, first_name, last_name FROM public.users"
                                              : "SELECT id, pg_catalog.split_part(full_name, ' ', 1), "
                                                "pg_catalog.split_part(full_name, ' ', 2) FROM public.users");
  std::map<std::int64_t, Traffic::Name> there;
  for (std::size_t i = 0; i < rows.size(); ++i) there[rows.integer(i, 0)] = {rows.text(i, 1), rows.text(i, 2)};
  std::vector<std::string> lost;
  for (const auto& [id, name] : acknowledged) {
    const auto found = there.find(id);
    if (name && (found == there.end() || found->second != *name))
      lost.push_back(
          "row " + std::to_string(id) + " should be '" + name->first + " " + name->last + "', " +
          (found == there.end() ? "is not there" : "is '" + found->second.first + " " + found->second.last + "'"));
    if (!name && found != there.end()) lost.push_back("row " + std::to_string(id) + " was deleted and is there");
  }
  return lost;
}

}  // namespace switchback::tests
