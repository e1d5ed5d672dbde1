#include "switchback/http/client.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <exception>

#include "switchback/core/error.hpp"
#include "switchback/core/units.hpp"

namespace switchback::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;

constexpr std::uint64_t body_limit = 4ULL << 20U;

[[noreturn]] void fail(const std::string& why) {
  throw Error(Exit::unreachable, Remedy::retry, why);
}

asio::ssl::context tls_context(const std::string& ca, bool only_ca) {
  asio::ssl::context context(asio::ssl::context::tls_client);
  boost::system::error_code failed;
  context.set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1, failed);
  context.set_verify_mode(asio::ssl::verify_peer);
  if (!only_ca)
    context.set_default_verify_paths(failed);  // a machine without a store has an empty one: nobody is trusted
  if (ca.empty()) return context;
  context.load_verify_file(ca, failed);
  if (failed) fail("the certificates in " + ca + " cannot be read");
  return context;
}

template <class Stream>
asio::awaitable<HttpAnswer> exchange(Stream& stream, const HttpRequest& request, const HttpBody* body) {
  beast::http::request<beast::http::string_body> question{body ? beast::http::verb::post : beast::http::verb::get,
                                                          request.url.target, 11};
  question.set(beast::http::field::host, authority(request.url));
  question.set(beast::http::field::user_agent, "switchback");
  question.set(beast::http::field::accept, "*/*");
  question.set(beast::http::field::connection, "close");
  if (!request.authorization.empty()) question.set(beast::http::field::authorization, request.authorization);
  if (body) {
    question.set(beast::http::field::content_type, body->type);
    for (const auto& [header, value] : body->headers) question.set(header, value);
    question.body() = body->text;
    question.prepare_payload();
  }
  co_await beast::http::async_write(stream, question, asio::use_awaitable);
  beast::flat_buffer buffer;
  beast::http::response_parser<beast::http::string_body> parser;
  parser.body_limit(body_limit);
  co_await beast::http::async_read(stream, buffer, parser, asio::use_awaitable);
  HttpAnswer answer;
  answer.status = static_cast<int>(parser.get().result_int());
  answer.body = std::move(parser.get().body());
  co_return answer;
}

asio::awaitable<HttpAnswer> fetch(const HttpRequest& request, const HttpBody* body, asio::ssl::context* tls) {
  const auto executor = co_await asio::this_coro::executor;
  tcp::resolver resolver(executor);
  const auto found =
      co_await resolver.async_resolve(request.url.host, std::to_string(request.url.port), asio::use_awaitable);
  if (tls == nullptr) {
    beast::tcp_stream plain(executor);
    co_await plain.async_connect(found, asio::use_awaitable);
    co_return co_await exchange(plain, request, body);
  }
  beast::ssl_stream<beast::tcp_stream> stream(executor, *tls);
  boost::system::error_code not_a_name;
  asio::ip::make_address(request.url.host, not_a_name);
  if (not_a_name) SSL_set_tlsext_host_name(stream.native_handle(), request.url.host.c_str());
  stream.set_verify_callback(asio::ssl::host_name_verification(request.url.host));
  co_await beast::get_lowest_layer(stream).async_connect(found, asio::use_awaitable);
  co_await stream.async_handshake(asio::ssl::stream_base::client, asio::use_awaitable);
  co_return co_await exchange(stream, request, body);
}

HttpAnswer ask(const HttpRequest& request, const HttpBody* body) {
  try {
    asio::ssl::context tls(asio::ssl::context::tls_client);
    if (request.url.tls) tls = tls_context(request.ca, request.only_ca);
    HttpAnswer answer;
    bool ended = false;
    std::exception_ptr failure;
    asio::io_context context(1);
    asio::co_spawn(context, fetch(request, body, request.url.tls ? &tls : nullptr),
                   [&](const std::exception_ptr& thrown, HttpAnswer got) {
                     ended = true;
                     failure = thrown;
                     answer = std::move(got);
                   });
    context.run_for(request.timeout);
    if (!ended) fail("no answer within " + show_duration(request.timeout));
    if (failure) std::rethrow_exception(failure);
    return answer;
  } catch (const boost::system::system_error& error) {
    fail(error.code().message());
  }
}

}  // namespace

HttpAnswer get(const HttpRequest& request) {
  return ask(request, nullptr);
}

HttpAnswer post(const HttpRequest& request, const HttpBody& body) {
  return ask(request, &body);
}

std::string hmac_sha256(const std::string& key, const std::string& text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
       text.size(), digest.data(), &length);
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (unsigned int i = 0; i < length; ++i) {
    hex += digits[digest[i] >> 4U];
    hex += digits[digest[i] & 15U];
  }
  return hex;
}

}  // namespace switchback::http
