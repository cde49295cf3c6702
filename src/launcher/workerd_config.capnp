# The part of workerd's configuration that the launcher reads and writes.
#
# Names, ordinals and types are those of workerd.capnp (npm package workerd, Apache-2.0); each struct stops after the
# last field that is needed, which moves nothing before it. What a newer schema adds is left where it is. A test
# compares the places of these fields with those of the real schema.
@0xa75d40cce35b9354;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("selvedge::launcher::workerd");

struct Config {
  services @0 :List(Service);
}

struct Service {
  name @0 :Text;
  union {
    unspecified @1 :Void;
    worker @2 :Worker;
    network @3 :AnyPointer;
    external @4 :ExternalServer;
  }
}

struct ServiceDesignator {
  name @0 :Text;
  entrypoint @1 :Text;
  props :union {
    empty @2 :Void;
    json @3 :Text;
  }
}

struct Worker {
  union {
    modules @0 :List(Module);
    serviceWorkerScript @1 :Text;
    inherit @2 :Text;
  }
  compatibilityDate @3 :Text;
  compatibilityFlags @4 :List(Text);
  bindings @5 :List(Binding);

  struct Module {
    name @0 :Text;
    union {
      esModule @1 :Text;
      commonJsModule @2 :Text;
    }
  }

  struct Binding {
    name @0 :Text;
    union {
      unspecified @1 :Void;
      parameter :group {
        type @2 :AnyPointer;
        optional @3 :Bool;
      }
      text @4 :Text;
      data @5 :Data;
      json @6 :Text;
      wasmModule @7 :Data;
      cryptoKey @8 :AnyPointer;
      service @9 :ServiceDesignator;
      durableObjectNamespace @10 :AnyPointer;
      kvNamespace @11 :ServiceDesignator;
      r2Bucket @12 :ServiceDesignator;
      r2Admin @13 :ServiceDesignator;
      wrapped @14 :WrappedBinding;
    }

    struct WrappedBinding {
      moduleName @0 :Text;
      entrypoint @1 :Text;
      innerBindings @2 :List(Binding);
    }
  }
}

struct ExternalServer {
  address @0 :Text;
  union {
    http @1 :HttpOptions;
    https :group {
      options @2 :HttpOptions;
      tlsOptions @3 :TlsOptions;
      certificateHost @4 :Text;
    }
  }
}

struct HttpOptions {
  style @0 :Style;
  forwardedProtoHeader @1 :Text;
  cfBlobHeader @2 :Text;
  injectRequestHeaders @3 :List(Header);

  enum Style {
    host @0;
    proxy @1;
  }

  struct Header {
    name @0 :Text;
    value @1 :Text;
  }
}

struct TlsOptions {
  keypair @0 :AnyPointer;
  requireClientCerts @1 :Bool;
  trustBrowserCas @2 :Bool;
}
