# The peers of bench/ann: how each is built, opened and asked, one class a library.
"""A peer's `build(base)` leaves its index in `folder`; `open()` reads it back; `search(queries, k, setting)` gives ids
[n x k], one thread. `alone(queries, k, setting)` gives a function of a row number that asks for that one query, with all
that can be made beforehand made beforehand. Where `batch` is false, the library answers many queries at once in another
way than one (or takes but one), and all figures are of single calls.

Rows have unit length, so the order by inner product, cosine and distance is the same: each peer runs in its faster mode.
Settings go from fast to thorough.
"""
import json
import pathlib

import numpy as np

EFS = (10, 14, 20, 28, 40, 56, 80, 112, 160, 224, 320, 448, 640)


class Peer:
    package = ""
    batch = True
    parameters = {}
    settings = [{"ef": ef} for ef in EFS]

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def file(self, name="index"):
        return str(self.folder / name)

    def alone(self, queries, k, setting):
        rows = [queries[at:at + 1] for at in range(len(queries))]
        return lambda at: self.search(rows[at], k, setting)


class Hnswlib(Peer):
    package = "hnswlib"
    parameters = {"space": "ip", "M": 16, "ef_construction": 200}

    def build(self, base):
        import hnswlib
        index = hnswlib.Index(space="ip", dim=base.shape[1])
        index.init_index(max_elements=len(base), M=self.parameters["M"],
                         ef_construction=self.parameters["ef_construction"], random_seed=100)
        index.set_num_threads(1)
        index.add_items(base, num_threads=1)
        index.save_index(self.file())

    def open(self, dimensions):
        import hnswlib
        self.index = hnswlib.Index(space="ip", dim=dimensions)
        self.index.load_index(self.file())
        self.index.set_num_threads(1)

    def search(self, queries, k, setting):
        self.index.set_ef(max(k, setting["ef"]))
        return self.index.knn_query(queries, k, num_threads=1)[0]


class Faiss(Peer):
    package = "faiss-cpu"

    def made(self, base):
        raise NotImplementedError

    def build(self, base):
        import faiss
        faiss.omp_set_num_threads(1)
        faiss.write_index(self.made(base), self.file())

    def open(self, _dimensions):
        import faiss
        faiss.omp_set_num_threads(1)
        self.index = faiss.read_index(self.file())

    def search(self, queries, k, setting):
        return self.index.search(queries, k, params=self.asked(setting))[1]

    def alone(self, queries, k, setting):
        import faiss
        scores, ids = np.empty((1, k), np.float32), np.empty((1, k), np.int64)
        pointers = [faiss.swig_ptr(queries[at:at + 1]) for at in range(len(queries))]
        scores_at, ids_at, asked, call = faiss.swig_ptr(scores), faiss.swig_ptr(ids), self.asked(setting), self.index.search_c

        def one(at):
            call(1, pointers[at], k, scores_at, ids_at, asked)
            return ids

        return one


class FaissHnsw(Faiss):
    parameters = {"factory": "HNSW32,Flat", "metric": "ip", "efConstruction": 200}

    def made(self, base):
        import faiss
        index = faiss.index_factory(base.shape[1], self.parameters["factory"], faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = self.parameters["efConstruction"]
        if not index.is_trained:
            index.train(base)
        index.add(base)
        return index

    def asked(self, setting):
        import faiss
        return faiss.SearchParametersHNSW(efSearch=setting["ef"])


class FaissIvf(Faiss):
    batch = False  # Many queries at once share the work of finding lists and of reading them.
    parameters = {"factory": "IVF1024,PQ192x4fs,RFlat", "metric": "l2"}
    settings = [{"nprobe": nprobe, "rerank": rerank} for rerank in (50, 100, 200)
                for nprobe in (4, 8, 16, 32, 64, 128)]

    def made(self, base):
        import faiss
        dimensions = base.shape[1]
        lists = 1024 if len(base) < 500_000 else 4096
        factory = f"IVF{lists},PQ{dimensions // 4}x4fs,RFlat"
        index = faiss.index_factory(dimensions, factory, faiss.METRIC_L2)
        index.train(base[::max(1, len(base) // 120_000)])
        index.add(base)
        return index

    def asked(self, setting):
        import faiss
        return faiss.IndexRefineSearchParameters(
            k_factor=setting["rerank"] / 10,
            base_index_params=faiss.SearchParametersIVF(nprobe=setting["nprobe"]))


class Usearch(Peer):
    package = "usearch"
    parameters = {"metric": "ip", "dtype": "f32", "connectivity": 16, "expansion_add": 128}
    settings = [{"ef": ef} for ef in (32, 64, 96, 128, 192, 256, 384, 512)]

    def fresh(self, dimensions):
        from usearch.index import Index
        return Index(ndim=dimensions, metric=self.parameters["metric"], dtype=self.parameters["dtype"],
                     connectivity=self.parameters["connectivity"], expansion_add=self.parameters["expansion_add"])

    def build(self, base):
        index = self.fresh(base.shape[1])
        index.add(np.arange(len(base)), base, threads=1)
        index.save(self.file())

    def open(self, dimensions):
        self.index = self.fresh(dimensions)
        self.index.load(self.file())

    def search(self, queries, k, setting):
        self.index.expansion_search = setting["ef"]
        return self.index.search(queries, k, threads=1).keys.reshape(-1, k)


class UsearchBf16(Usearch):
    parameters = Usearch.parameters | {"dtype": "bf16"}


class SymphonyQg(Peer):
    package = "rabitqlib"
    parameters = {"metric": "l2", "max_degree": 32, "ef_construction": 200, "init": "pipnn"}
    settings = [{"ef": ef} for ef in (10, 14, 20, 28, 40, 56, 80, 112, 160, 224, 320)]

    def build(self, base):
        import rabitqlib
        index = rabitqlib.SymqgIndex(base.shape[1], self.parameters["max_degree"], metric="l2",
                                     quantization_bits=self.parameters.get("quantization_bits", 0))
        index.build(base, self.parameters["ef_construction"], num_threads=1, init=self.parameters["init"])
        index.save(self.file())

    def open(self, _dimensions):
        import rabitqlib
        self.index = rabitqlib.SymqgIndex.load(self.file())

    def search(self, queries, k, setting):
        # Gives (ids, distances).
        return self.index.search(queries, k, setting["ef"], num_threads=1)[0]


class SymphonyQg8(SymphonyQg):
    parameters = SymphonyQg.parameters | {"quantization_bits": 8}  # Each row's own vector in 8 bits a value.


class RabitqHnsw(Peer):
    package = "rabitqlib"
    parameters = {"metric": "l2", "M": 16, "ef_construction": 200, "nbits": 7, "clusters": 16}

    def build(self, base):
        import faiss
        import rabitqlib
        faiss.omp_set_num_threads(1)
        means = faiss.Kmeans(base.shape[1], self.parameters["clusters"], niter=10, seed=1)
        means.train(base)
        clusters = means.index.search(base, 1)[1][:, 0].astype(np.uint32)
        index = rabitqlib.HnswIndex(base.shape[1], len(base), M=self.parameters["M"],
                                    ef_construction=self.parameters["ef_construction"],
                                    nbits=self.parameters["nbits"], metric="l2")
        index.build(base, means.centroids, clusters, num_threads=1, fast_quantization=True)
        index.save(self.file())

    def open(self, _dimensions):
        import rabitqlib
        self.index = rabitqlib.HnswIndex.load(self.file())

    def search(self, queries, k, setting):
        return self.index.search(queries, k, ef=setting["ef"], num_threads=1)[0]


class RabitqHnsw5(RabitqHnsw):
    parameters = RabitqHnsw.parameters | {"nbits": 5}


class Vsag(Peer):
    package = "pyvsag"
    batch = False  # It takes one query a call.
    parameters = {"metric_type": "ip", "base_quantization_type": "sq8_uniform", "max_degree": 32,
                  "ef_construction": 200, "use_reorder": True, "precise_quantization_type": "fp32"}

    def fresh(self, dimensions):
        import pyvsag
        pyvsag.set_logger_off()
        inner = {key: value for key, value in self.parameters.items() if key != "metric_type"}
        return pyvsag.Index("hgraph", json.dumps({
            "dtype": "float32", "metric_type": self.parameters["metric_type"], "dim": dimensions,
            "index_param": inner | {"build_thread_count": 1}}))

    def build(self, base):
        index = self.fresh(base.shape[1])
        index.build(base.reshape(-1), np.arange(len(base), dtype=np.int64), len(base), base.shape[1])
        index.save(self.file())

    def open(self, dimensions):
        self.index = self.fresh(dimensions)
        self.index.load(self.file())

    def alone(self, queries, k, setting):
        rows = [np.ascontiguousarray(row) for row in queries]
        words = json.dumps({"hgraph": {"ef_search": max(k, setting["ef"])}})
        call = self.index.knn_search
        return lambda at: call(rows[at], k, words)[0]


class Vsag4(Vsag):
    parameters = Vsag.parameters | {"base_quantization_type": "sq4_uniform"}


class Zvec(Peer):
    package = "zvec"
    batch = False  # It takes one query a call.
    parameters = {"metric": "ip", "m": 32, "ef_construction": 200, "quantize": "UNDEFINED"}
    settings = [{"ef": ef} for ef in (10, 20, 40, 80, 160, 240, 320, 480)]

    def start(self):
        import zvec
        zvec.init(query_threads=1, optimize_threads=1)
        return zvec

    def build(self, base):
        zvec = self.start()
        index = zvec.HnswIndexParam(metric_type=zvec.MetricType.IP, m=self.parameters["m"],
                                    ef_construction=self.parameters["ef_construction"],
                                    quantize_type=getattr(zvec.QuantizeType, self.parameters["quantize"]),
                                    use_contiguous_memory=True)
        schema = zvec.CollectionSchema(name="base", vectors=zvec.VectorSchema(
            "v", zvec.DataType.VECTOR_FP32, base.shape[1], index))
        collection = zvec.create_and_open(self.file(), schema)
        for first in range(0, len(base), 1000):
            collection.insert([zvec.Doc(id=str(at), vectors={"v": base[at]})
                               for at in range(first, min(first + 1000, len(base)))])
        collection.optimize(zvec.OptimizeOption(concurrency=1))
        collection.flush()
        collection.close()

    def open(self, _dimensions):
        self.zvec = self.start()
        self.index = self.zvec.open(self.file(), self.zvec.CollectionOption(read_only=True, enable_mmap=False))
        self.names = {}

    def alone(self, queries, k, setting):
        param = self.zvec.HnswQueryParam(ef=max(k, setting["ef"]), is_using_refiner=self.refined())
        asked = [self.zvec.Query("v", vector=row, param=param) for row in queries]
        call = self.index.query_internal_ids
        return lambda at: call(asked[at], topk=k)

    def refined(self):
        return self.parameters["quantize"] != "UNDEFINED"

    def rows_of(self, ids):
        """Its own numbers as ours."""
        flat = ids.reshape(-1)
        return np.array([int(name) if name is not None else -1
                         for name in self.index.resolve_internal_ids(flat)]).reshape(ids.shape)


class Zvec8(Zvec):
    parameters = Zvec.parameters | {"quantize": "INT8"}


class Svs(Peer):
    package = "scalable-vs"
    parameters = {"metric": "mip", "graph_max_degree": 32, "window_size": 128, "alpha": 0.95, "data": "lvq4x8"}
    settings = [{"window": window, "kept": kept} for window in (10, 14, 20, 28, 40, 56, 80, 112, 160, 224)
                for kept in (1, 2)]

    def loaded(self, svs, raw, dimensions):
        if self.parameters["data"] == "lvq4x8":
            return svs.LVQLoader(raw, 4, 8, 32)
        return svs.LeanVecLoader(raw, dimensions // 2, primary_kind=svs.LeanVecKind.lvq4,
                                 secondary_kind=svs.LeanVecKind.lvq8)

    def build(self, base):
        import svs
        svs.write_vecs(base, self.file("raw.fvecs"))
        svs.convert_vecs_to_svs(self.file("raw.fvecs"), self.file("raw.svs"), svs.DataType.float32)
        raw = svs.VectorDataLoader(self.file("raw.svs"), svs.DataType.float32)
        build = svs.VamanaBuildParameters(graph_max_degree=self.parameters["graph_max_degree"],
                                          window_size=self.parameters["window_size"], alpha=self.parameters["alpha"])
        index = svs.Vamana.build(build, self.loaded(svs, raw, base.shape[1]), svs.DistanceType.MIP, num_threads=1)
        index.save(self.file("config"), self.file("graph"), self.file("data"))
        for name in ("raw.fvecs", "raw.svs"):
            (self.folder / name).unlink()

    def open(self, _dimensions):
        import svs
        self.svs = svs
        loader = svs.LVQLoader if self.parameters["data"] == "lvq4x8" else svs.LeanVecLoader
        self.index = svs.Vamana(self.file("config"), svs.GraphLoader(self.file("graph")), loader(self.file("data")),
                                svs.DistanceType.MIP, num_threads=1)

    def set(self, k, setting):
        window = max(k, setting["window"])
        self.index.search_parameters = self.svs.VamanaSearchParameters(
            self.svs.SearchBufferConfig(window, window * setting["kept"]))

    def search(self, queries, k, setting):
        self.set(k, setting)
        return self.index.search(queries, k)[0]

    def alone(self, queries, k, setting):
        self.set(k, setting)
        rows, call = [queries[at:at + 1] for at in range(len(queries))], self.index.search
        return lambda at: call(rows[at], k)[0]


class SvsLeanVec(Svs):
    parameters = Svs.parameters | {"data": "leanvec"}


PEERS = {
    "hnswlib": Hnswlib,
    "faiss-hnsw": FaissHnsw,
    "faiss-ivf": FaissIvf,
    "usearch": Usearch,
    "usearch-bf16": UsearchBf16,
    "symphonyqg": SymphonyQg,
    "symphonyqg-8bit": SymphonyQg8,
    "rabitq-hnsw7": RabitqHnsw,
    "rabitq-hnsw5": RabitqHnsw5,
    "vsag-sq8": Vsag,
    "vsag-sq4": Vsag4,
    "zvec": Zvec,
    "zvec-int8": Zvec8,
    "svs-lvq4x8": Svs,
    "svs-leanvec": SvsLeanVec,
}
