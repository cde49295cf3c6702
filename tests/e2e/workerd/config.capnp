# Config: a Worker with the real bindings of workerd, whose requests go to a Selvedge server.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "probe", worker = .probe),
    (name = "ai", external = (address = "@SERVER@", http = (
      injectRequestHeaders = [(name = "mf-binding", value = "AI"), (name = "selvedge-account", value = "@ACCOUNT@")]))),
    (name = "docs", external = (address = "@SERVER@", http = (
      injectRequestHeaders = [(name = "mf-binding", value = "DOCS"), (name = "selvedge-account", value = "@ACCOUNT@"),
                              (name = "selvedge-index", value = "docs")]))),
    (name = "none", external = (address = "@SERVER@", http = (
      injectRequestHeaders = [(name = "selvedge-account", value = "@ACCOUNT@"), (name = "selvedge-index", value = "none")]))),
    (name = "rest", external = (address = "@SERVER@", http = ())),
  ],
  sockets = [(name = "probe", address = "127.0.0.1:0", service = "probe")],
);

const probe :Workerd.Worker = (
  modules = [
    (name = "probe.js", esModule = embed "probe.js"),
    (name = "cloudflare-ai-1.0.js", esModule = embed "cloudflare-ai-1.0.js"),
    (name = "cloudflare-ai-1.1.js", esModule = embed "cloudflare-ai-1.1.js"),
    (name = "cloudflare-ai-1.2.js", esModule = embed "cloudflare-ai-1.2.js"),
  ],
  compatibilityDate = "2026-01-01",
  bindings = [
    (name = "AI", wrapped = (moduleName = "cloudflare-internal:ai-api", innerBindings = [
      (name = "fetcher", service = "ai")])),
    (name = "DOCS", wrapped = (moduleName = "cloudflare-internal:vectorize-api", innerBindings = [
      (name = "fetcher", service = "docs"), (name = "indexId", text = "docs"),
      (name = "indexVersion", text = "v2"), (name = "useNdJson", json = "true")])),
    (name = "DOCS_JSON", wrapped = (moduleName = "cloudflare-internal:vectorize-api", innerBindings = [
      (name = "fetcher", service = "docs"), (name = "indexId", text = "docs"),
      (name = "indexVersion", text = "v2"), (name = "useNdJson", json = "false")])),
    (name = "NONE", wrapped = (moduleName = "cloudflare-internal:vectorize-api", innerBindings = [
      (name = "fetcher", service = "none"), (name = "indexId", text = "none"),
      (name = "indexVersion", text = "v2"), (name = "useNdJson", json = "true")])),
    (name = "REST", service = "rest"),
  ],
);
