// Works on a deep copy without schema, so that nothing the schema here does not know is lost.
#include "launcher/redirected_config.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include <capnp/any.h>
#include <capnp/message.h>
#include <capnp/serialize.h>
#include <launcher/workerd_config.capnp.h>
#include <nlohmann/json.hpp>

#include "launcher/relay_source.h"

namespace selvedge::launcher {
namespace {

constexpr std::string_view kAiModule = "cloudflare-internal:ai-api";
constexpr std::string_view kVectorizeModule = "cloudflare-internal:vectorize-api";
constexpr std::string_view kPrefix = "selvedge:";
constexpr const char* kRelayName = "selvedge:relay";
// Old enough for every workerd whose schema has props, and the first with RPC.
constexpr const char* kRelayDate = "2024-04-03";
constexpr unsigned kServicesPointer = 0;  // Place of Config.services: the schema's first pointer.
constexpr std::uint64_t kTraversalFactor = 8;

using Headers = std::vector<std::pair<std::string, std::string>>;

std::string_view view(capnp::Text::Reader text) { return {text.begin(), text.size()}; }

bool leads_to_us(workerd::Worker::Binding::Reader binding) {
  if (!binding.isWrapped()) return false;
  const auto module = view(binding.getWrapped().getModuleName());
  return module == kAiModule || module == kVectorizeModule;
}

bool has_bindings_for_us(workerd::Worker::Reader worker) {
  for (const auto binding : worker.getBindings()) {
    if (leads_to_us(binding)) return true;
  }
  return false;
}

// Whether there is a binding to redirect, and no service that an earlier redirection made.
bool has_work(workerd::Config::Reader config) {
  bool found = false;
  for (const auto service : config.getServices()) {
    if (view(service.getName()).starts_with(kPrefix)) return false;
    found = found || (service.isWorker() && has_bindings_for_us(service.getWorker()));
  }
  return found;
}

// The name that a person gave the binding.
std::string plain_name(std::string_view name) {
  constexpr std::string_view kProxy = "MINIFLARE_PROXY:";
  return std::string(name.starts_with(kProxy) ? name.substr(name.rfind(':') + 1) : name);
}

// No name can break out of its header. The server knows no index or binding with such a character.
std::string header_value(std::string_view text) {
  std::string value(text);
  std::replace_if(
      value.begin(), value.end(), [](char c) { return c < ' ' || c >= 0x7f; }, '?');
  return value;
}

std::string_view index_of(workerd::Worker::Binding::WrappedBinding::Reader wrapped) {
  for (const auto inner : wrapped.getInnerBindings()) {
    if (inner.isText() && view(inner.getName()) == "indexId") return view(inner.getText());
  }
  return {};
}

// The external services that are needed: what they add to requests -> the name under which the
// relay has them.
class Externals {
 public:
  explicit Externals(const ServerPlace& place) : place_(place) {}

  const std::string& of(workerd::Worker::Binding::Reader binding) {
    Headers headers{{"mf-binding", header_value(plain_name(view(binding.getName())))}};
    const auto wrapped = binding.getWrapped();
    if (view(wrapped.getModuleName()) == kVectorizeModule) {
      headers.emplace_back("selvedge-index", header_value(index_of(wrapped)));
    }
    if (!place_.account.empty()) headers.emplace_back("selvedge-account", place_.account);
    if (!place_.token.empty()) headers.emplace_back("authorization", "Bearer " + place_.token);
    return names_.try_emplace(std::move(headers), "to" + std::to_string(names_.size()))
        .first->second;
  }

  const std::map<Headers, std::string>& all() const { return names_; }

 private:
  const ServerPlace& place_;
  std::map<Headers, std::string> names_;
};

void redirect(workerd::Worker::Binding::Builder binding, Externals& externals) {
  const auto read = binding.asReader();
  const bool ai = view(read.getWrapped().getModuleName()) == kAiModule;
  const nlohmann::json props = {{"to", externals.of(read)},
                                {"kind", ai ? "ai" : "vectorize"},
                                {"name", plain_name(view(read.getName()))}};
  for (auto inner : binding.getWrapped().getInnerBindings()) {
    if (view(inner.asReader().getName()) != "fetcher") continue;
    auto service = inner.initService();
    service.setName(kRelayName);
    service.getProps().setJson(
        props.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }
}

// Makes Config.services longer. Elements keep the size that they have, which may be larger than
// this schema's.
void extend_services(capnp::AnyStruct::Builder config, unsigned more) {
  auto place = config.getPointerSection()[kServicesPointer];
  auto orphan = place.disown();
  auto old = orphan.getAs<capnp::AnyList>().as<capnp::List<capnp::AnyStruct>>();
  const auto words =
      static_cast<std::uint16_t>(old[0].getDataSection().size() / sizeof(capnp::word));
  const auto pointers = static_cast<std::uint16_t>(old[0].getPointerSection().size());
  auto longer = place.initAsListOfAnyStruct(words, pointers, old.size() + more);
  for (unsigned at = 0; at < old.size(); ++at) {
    auto from = old[at];
    auto to = longer[at];
    std::memcpy(to.getDataSection().begin(), from.getDataSection().begin(),
                from.getDataSection().size());
    for (unsigned pointer = 0; pointer < pointers; ++pointer) {
      to.getPointerSection()[pointer].adopt(from.getPointerSection()[pointer].disown());
    }
  }
}

void fill_external(workerd::Service::Builder service, const std::string& name,
                   const Headers& headers, const ServerPlace& place) {
  service.setName(std::string(kPrefix) + name);
  auto external = service.initExternal();
  external.setAddress(place.address);
  auto add = [&](workerd::HttpOptions::Builder http) {
    auto list = http.initInjectRequestHeaders(static_cast<unsigned>(headers.size()));
    for (unsigned at = 0; at < list.size(); ++at) {
      list[at].setName(headers[at].first);
      list[at].setValue(headers[at].second);
    }
  };
  if (!place.tls) return add(external.initHttp());
  auto https = external.initHttps();
  https.initTlsOptions().setTrustBrowserCas(true);
  https.setCertificateHost(place.host);
  add(https.initOptions());
}

void fill_relay(workerd::Service::Builder service, const Externals& externals,
                const ServerPlace& place) {
  service.setName(kRelayName);
  auto worker = service.initWorker();
  worker.setCompatibilityDate(kRelayDate);
  auto module = worker.initModules(1)[0];
  module.setName("selvedge-relay.js");
  module.setEsModule(std::string(relay_source()));
  auto bindings = worker.initBindings(static_cast<unsigned>(externals.all().size()) + 1);
  bindings[0].setName("URL");
  bindings[0].setText(place.url);
  unsigned at = 1;
  for (const auto& [headers, name] : externals.all()) {
    bindings[at].setName(name);
    bindings[at++].initService().setName(std::string(kPrefix) + name);
  }
}

std::string redirect_all(capnp::MessageReader& message, std::size_t words,
                         const ServerPlace& place) {
  capnp::MallocMessageBuilder builder(static_cast<unsigned>(words + 4096));
  builder.getRoot<capnp::AnyPointer>().set(message.getRoot<capnp::AnyPointer>());
  auto config = builder.getRoot<workerd::Config>();
  Externals externals(place);
  for (auto service : config.getServices()) {
    if (!service.isWorker()) continue;
    for (auto binding : service.getWorker().getBindings()) {
      if (leads_to_us(binding.asReader())) redirect(binding, externals);
    }
  }
  const unsigned before = config.getServices().size();
  extend_services(builder.getRoot<capnp::AnyStruct>(),
                  static_cast<unsigned>(externals.all().size()) + 1);
  auto services = config.getServices();
  fill_relay(services[before], externals, place);
  unsigned at = before + 1;
  for (const auto& [headers, name] : externals.all()) {
    fill_external(services[at++], name, headers, place);
  }
  const auto flat = capnp::messageToFlatArray(builder);
  const auto bytes = flat.asBytes();
  return {reinterpret_cast<const char*>(bytes.begin()), bytes.size()};
}

}  // namespace

std::optional<std::string> redirected_config(std::span<const std::byte> message,
                                             const ServerPlace& place) {
  // Copied into words: the bytes may begin anywhere.
  const std::size_t words = message.size() / sizeof(capnp::word);
  std::vector<std::uint64_t> aligned(words);
  if (words > 0) std::memcpy(aligned.data(), message.data(), words * sizeof(capnp::word));
  capnp::ReaderOptions options;
  options.traversalLimitInWords =
      std::max<std::uint64_t>(options.traversalLimitInWords, words * kTraversalFactor);
  try {
    capnp::FlatArrayMessageReader reader(
        kj::arrayPtr(reinterpret_cast<const capnp::word*>(aligned.data()), words), options);
    if (!has_work(reader.getRoot<workerd::Config>())) return std::nullopt;
    return redirect_all(reader, words, place);
  } catch (const kj::Exception&) {
    return std::nullopt;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

}  // namespace selvedge::launcher
