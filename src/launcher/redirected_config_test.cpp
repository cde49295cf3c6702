// Redirected config: which bindings are led to the server, and that nothing else changes.
#include "launcher/redirected_config.h"

#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <launcher/test_data/newer_config.capnp.h>
#include <launcher/workerd_config.capnp.h>

#include "launcher/relay_source.h"

namespace selvedge::launcher {
namespace {

using testing::ElementsAre;
using testing::Pair;

ServerPlace here() {
  ServerPlace place;
  place.url = "http://127.0.0.1:7358";
  place.address = "127.0.0.1:7358";
  place.host = "127.0.0.1";
  return place;
}

std::span<const std::byte> bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

std::string flat(capnp::MessageBuilder& message) {
  const auto words = capnp::messageToFlatArray(message);
  const auto all = words.asBytes();
  return {reinterpret_cast<const char*>(all.begin()), all.size()};
}

// A message read by the schema S.
template <class S>
class Message {
 public:
  explicit Message(const std::string& text)
      : words_(text.size() / sizeof(capnp::word)), reader_(nullptr) {
    std::memcpy(words_.data(), text.data(), text.size());
    reader_ = std::make_unique<capnp::FlatArrayMessageReader>(
        kj::arrayPtr(reinterpret_cast<const capnp::word*>(words_.data()), words_.size()));
  }
  typename S::Reader root() { return reader_->getRoot<S>(); }

 private:
  std::vector<std::uint64_t> words_;
  std::unique_ptr<capnp::FlatArrayMessageReader> reader_;
};

std::string text(capnp::Text::Reader reader) { return reader.cStr(); }

template <class Binding>
void wrap(Binding binding, const char* name, const char* module, const char* index = nullptr) {
  binding.setName(name);
  auto wrapped = binding.initWrapped();
  wrapped.setModuleName(module);
  auto inner = wrapped.initInnerBindings(index == nullptr ? 1 : 3);
  inner[0].setName("fetcher");
  inner[0].initService().setName("somewhere:remote");
  if (index == nullptr) return;
  inner[1].setName("indexId");
  inner[1].setText(index);
  inner[2].setName("useNdJson");
  inner[2].setJson("true");
}

void wrap_ai(workerd::Worker::Binding::Builder binding, const char* name = "AI") {
  wrap(binding, name, "cloudflare-internal:ai-api");
}
void wrap_index(workerd::Worker::Binding::Builder binding, const char* name, const char* index) {
  wrap(binding, name, "cloudflare-internal:vectorize-api", index);
}

workerd::Service::Reader service_of(workerd::Config::Reader config, const std::string& name) {
  for (const auto service : config.getServices()) {
    if (text(service.getName()) == name) return service;
  }
  ADD_FAILURE() << "no service " << name;
  return {};
}

workerd::ServiceDesignator::Reader fetcher_of(workerd::Worker::Binding::Reader binding) {
  return binding.getWrapped().getInnerBindings()[0].getService();
}

// What the external service behind a redirected binding adds to its requests.
std::map<std::string, std::string> headers_of(workerd::Config::Reader config,
                                              workerd::Worker::Binding::Reader binding) {
  const std::string props = text(fetcher_of(binding).getProps().getJson());
  const auto at = props.find("\"to\":\"") + 6;
  const std::string to = props.substr(at, props.find('"', at) - at);
  std::map<std::string, std::string> headers;
  for (const auto bound : service_of(config, "selvedge:relay").getWorker().getBindings()) {
    if (text(bound.getName()) != to) continue;
    const auto external = service_of(config, text(bound.getService().getName())).getExternal();
    for (const auto header : external.getHttp().getInjectRequestHeaders()) {
      headers[text(header.getName())] = text(header.getValue());
    }
  }
  return headers;
}

TEST(RedirectedConfig, LeadsTheAiBindingToTheRelayAndTheServer) {
  capnp::MallocMessageBuilder builder;
  auto services = builder.initRoot<workerd::Config>().initServices(1);
  services[0].setName("mine");
  wrap_ai(services[0].initWorker().initBindings(1)[0]);

  const auto made = redirected_config(bytes(flat(builder)), here());
  ASSERT_TRUE(made);
  Message<workerd::Config> message(*made);
  const auto config = message.root();
  const auto binding = config.getServices()[0].getWorker().getBindings()[0];
  EXPECT_EQ(text(fetcher_of(binding).getName()), "selvedge:relay");
  EXPECT_EQ(text(fetcher_of(binding).getProps().getJson()),
            R"({"kind":"ai","name":"AI","to":"to0"})");
  EXPECT_THAT(headers_of(config, binding), ElementsAre(Pair("mf-binding", "AI")));
  EXPECT_EQ(text(service_of(config, "selvedge:to0").getExternal().getAddress()), "127.0.0.1:7358");
  const auto relay = service_of(config, "selvedge:relay").getWorker();
  EXPECT_EQ(text(relay.getModules()[0].getEsModule()), relay_source());
  EXPECT_EQ(text(relay.getBindings()[0].getText()), "http://127.0.0.1:7358");
}

TEST(RedirectedConfig, NamesTheIndexOfEachWorkersOwnBinding) {
  capnp::MallocMessageBuilder builder;
  auto services = builder.initRoot<workerd::Config>().initServices(2);
  for (unsigned at = 0; at < 2; ++at) {
    services[at].setName(at == 0 ? "one" : "two");
    wrap_index(services[at].initWorker().initBindings(1)[0], "DOCS", at == 0 ? "first" : "second");
  }

  const auto made = redirected_config(bytes(flat(builder)), here());
  ASSERT_TRUE(made);
  Message<workerd::Config> message(*made);
  const auto config = message.root();
  for (unsigned at = 0; at < 2; ++at) {
    const auto binding = config.getServices()[at].getWorker().getBindings()[0];
    EXPECT_THAT(headers_of(config, binding),
                ElementsAre(Pair("mf-binding", "DOCS"),
                            Pair("selvedge-index", at == 0 ? "first" : "second")));
    EXPECT_EQ(binding.getWrapped().getInnerBindings().size(), 3u);
    EXPECT_EQ(text(binding.getWrapped().getInnerBindings()[2].getJson()), "true");
  }
}

TEST(RedirectedConfig, GivesMiniflaresProxyBindingTheServiceOfTheBindingBehindIt) {
  capnp::MallocMessageBuilder builder;
  auto services = builder.initRoot<workerd::Config>().initServices(2);
  services[0].setName("core:entry");
  wrap_ai(services[0].initWorker().initBindings(1)[0], "MINIFLARE_PROXY:ai:mine:AI");
  services[1].setName("core:user:mine");
  wrap_ai(services[1].initWorker().initBindings(1)[0]);

  const auto made = redirected_config(bytes(flat(builder)), here());
  ASSERT_TRUE(made);
  Message<workerd::Config> message(*made);
  const auto all = message.root().getServices();
  ASSERT_EQ(all.size(), 4u);  // The relay and one external service are new.
  EXPECT_THAT(headers_of(message.root(), all[0].getWorker().getBindings()[0]),
              ElementsAre(Pair("mf-binding", "AI")));
}

TEST(RedirectedConfig, SendsAccountAndTokenWhereThereAreAny) {
  capnp::MallocMessageBuilder builder;
  wrap_ai(builder.initRoot<workerd::Config>().initServices(1)[0].initWorker().initBindings(1)[0]);
  auto place = here();
  place.account = "team";
  place.token = "secret";

  const auto made = redirected_config(bytes(flat(builder)), place);
  ASSERT_TRUE(made);
  Message<workerd::Config> message(*made);
  const auto binding = message.root().getServices()[0].getWorker().getBindings()[0];
  EXPECT_THAT(headers_of(message.root(), binding),
              ElementsAre(Pair("authorization", "Bearer secret"), Pair("mf-binding", "AI"),
                          Pair("selvedge-account", "team")));
}

TEST(RedirectedConfig, ChecksTheCertificateOfAServerWithTls) {
  capnp::MallocMessageBuilder builder;
  wrap_ai(builder.initRoot<workerd::Config>().initServices(1)[0].initWorker().initBindings(1)[0]);
  ServerPlace place;
  place.url = "https://ai.example";
  place.address = "ai.example:443";
  place.host = "ai.example";
  place.tls = true;

  const auto made = redirected_config(bytes(flat(builder)), place);
  ASSERT_TRUE(made);
  Message<workerd::Config> message(*made);
  const auto external = service_of(message.root(), "selvedge:to0").getExternal();
  ASSERT_TRUE(external.isHttps());
  EXPECT_EQ(text(external.getHttps().getCertificateHost()), "ai.example");
  EXPECT_TRUE(external.getHttps().getTlsOptions().getTrustBrowserCas());
  EXPECT_EQ(text(external.getHttps().getOptions().getInjectRequestHeaders()[0].getValue()), "AI");
}

TEST(RedirectedConfig, LetsNoNameAddAHeader) {
  capnp::MallocMessageBuilder builder;
  wrap_index(builder.initRoot<workerd::Config>().initServices(1)[0].initWorker().initBindings(1)[0],
             "Fäden\"", "a\r\nauthorization: b");

  const auto made = redirected_config(bytes(flat(builder)), here());
  ASSERT_TRUE(made);
  Message<workerd::Config> message(*made);
  const auto binding = message.root().getServices()[0].getWorker().getBindings()[0];
  EXPECT_THAT(
      headers_of(message.root(), binding),
      ElementsAre(Pair("mf-binding", "F??den\""), Pair("selvedge-index", "a??authorization: b")));
  EXPECT_EQ(text(fetcher_of(binding).getProps().getJson()),
            R"({"kind":"vectorize","name":"Fäden\"","to":"to0"})");
}

TEST(RedirectedConfig, LeavesOtherConfigsAlone) {
  capnp::MallocMessageBuilder builder;
  auto services = builder.initRoot<workerd::Config>().initServices(2);
  services[0].setName("internet");
  services[0].initNetwork();
  auto bindings = services[1].initWorker().initBindings(2);
  wrap(bindings[0], "IMAGES", "cloudflare-internal:images-api");
  bindings[1].setName("AI");
  bindings[1].setText("cloudflare-internal:ai-api");
  EXPECT_FALSE(redirected_config(bytes(flat(builder)), here()));
}

TEST(RedirectedConfig, LeavesAConfigAloneThatItHasRedirected) {
  capnp::MallocMessageBuilder builder;
  wrap_ai(builder.initRoot<workerd::Config>().initServices(1)[0].initWorker().initBindings(1)[0]);
  const auto made = redirected_config(bytes(flat(builder)), here());
  ASSERT_TRUE(made);
  EXPECT_FALSE(redirected_config(bytes(*made), here()));
}

TEST(RedirectedConfig, KeepsWhatANewerSchemaAdded) {
  capnp::MallocMessageBuilder builder;
  auto root = builder.initRoot<newer::Config>();
  root.setNote("kept");
  root.setLimit(7);
  auto services = root.initServices(2);
  services[0].setName("teleporter");
  services[0].setTeleport("far away");
  services[0].setOwner("somebody");
  services[0].setWeight(11);
  auto worker = services[1].initWorker();
  worker.setMood("good");
  worker.initModules(1)[0].setChecksum(13);
  auto bindings = worker.initBindings(2);
  wrap(bindings[0], "AI", "cloudflare-internal:ai-api");
  bindings[0].setQuota(17);
  bindings[0].setLabel("label");
  bindings[0].getWrapped().setVersion(19);
  bindings[0].getWrapped().getInnerBindings()[0].setQuota(23);
  bindings[1].setDream("blue");

  const auto made = redirected_config(bytes(flat(builder)), here());
  ASSERT_TRUE(made);
  Message<newer::Config> message(*made);
  const auto config = message.root();
  EXPECT_EQ(text(config.getNote()), "kept");
  EXPECT_EQ(config.getLimit(), 7u);
  ASSERT_EQ(config.getServices().size(), 4u);
  const auto first = config.getServices()[0];
  EXPECT_EQ(text(first.getTeleport()), "far away");
  EXPECT_EQ(text(first.getOwner()), "somebody");
  EXPECT_EQ(first.getWeight(), 11u);
  const auto second = config.getServices()[1].getWorker();
  EXPECT_EQ(text(second.getMood()), "good");
  EXPECT_EQ(second.getModules()[0].getChecksum(), 13u);
  const auto redirected = second.getBindings()[0];
  EXPECT_EQ(redirected.getQuota(), 17u);
  EXPECT_EQ(text(redirected.getLabel()), "label");
  EXPECT_EQ(redirected.getWrapped().getVersion(), 19u);
  EXPECT_EQ(redirected.getWrapped().getInnerBindings()[0].getQuota(), 23u);
  EXPECT_EQ(text(second.getBindings()[1].getDream()), "blue");
  EXPECT_TRUE(config.getServices()[2].isWorker());
  EXPECT_TRUE(config.getServices()[3].isExternal());
}

// A config of megabytes must not run into the reader's default limit of 64 MB read in all.
TEST(RedirectedConfig, TakesALargeConfig) {
  capnp::MallocMessageBuilder builder;
  auto services = builder.initRoot<workerd::Config>().initServices(1);
  auto worker = services[0].initWorker();
  const std::string large(100u << 20, 'x');
  worker.initModules(1)[0].setEsModule(large);
  wrap_ai(worker.initBindings(1)[0]);

  const auto made = redirected_config(bytes(flat(builder)), here());
  ASSERT_TRUE(made);
  EXPECT_GT(made->size(), large.size());
}

TEST(RedirectedConfig, LeavesWhatIsNoConfigAlone) {
  capnp::MallocMessageBuilder builder;
  wrap_ai(builder.initRoot<workerd::Config>().initServices(1)[0].initWorker().initBindings(1)[0]);
  const std::string good = flat(builder);
  EXPECT_FALSE(redirected_config({}, here()));
  EXPECT_FALSE(
      redirected_config(bytes("using Workerd = import \"/workerd/workerd.capnp\";"), here()));
  EXPECT_FALSE(redirected_config(bytes(std::string(4096, '\xff')), here()));
  for (std::size_t size = 0; size + 8 < good.size(); ++size) {
    redirected_config(bytes(good.substr(0, size)), here());
  }
}

TEST(RedirectedConfig, StandsEveryChangedByte) {
  capnp::MallocMessageBuilder builder;
  auto services = builder.initRoot<workerd::Config>().initServices(2);
  wrap_ai(services[0].initWorker().initBindings(1)[0]);
  wrap_index(services[1].initWorker().initBindings(1)[0], "DOCS", "docs");
  const std::string good = flat(builder);
  int redirected = 0;
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (const unsigned flip : {0x01u, 0x80u, 0xffu}) {
      std::string bad = good;
      bad[at] = static_cast<char>(static_cast<unsigned char>(bad[at]) ^ flip);
      if (const auto made = redirected_config(bytes(bad), here())) {
        ++redirected;
        Message<workerd::Config> message(*made);
        EXPECT_GE(message.root().getServices().size(), 3u);
      }
    }
  }
  EXPECT_GT(redirected, 100);
}

}  // namespace
}  // namespace selvedge::launcher
