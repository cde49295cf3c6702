# A later schema as it might be: each struct has more data and more pointers than launcher/workerd_config.capnp knows.
@0x91180f41f8716dc0;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("selvedge::launcher::newer");

struct Config {
  services @0 :List(Service);
  note @1 :Text;
  limit @2 :UInt64;
}

struct Service {
  name @0 :Text;
  union {
    unspecified @1 :Void;
    worker @2 :Worker;
    network @3 :AnyPointer;
    external @4 :AnyPointer;
    teleport @5 :Text;
  }
  owner @6 :Text;
  weight @7 :UInt64;
}

struct ServiceDesignator {
  name @0 :Text;
  entrypoint @1 :Text;
  props :union {
    empty @2 :Void;
    json @3 :Text;
  }
  region @4 :Text;
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
  mood @6 :Text;

  struct Module {
    name @0 :Text;
    union {
      esModule @1 :Text;
      commonJsModule @2 :Text;
    }
    checksum @3 :UInt64;
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
      dream @15 :Text;
    }
    quota @16 :UInt64;
    label @17 :Text;

    struct WrappedBinding {
      moduleName @0 :Text;
      entrypoint @1 :Text;
      innerBindings @2 :List(Binding);
      version @3 :UInt32;
    }
  }
}
