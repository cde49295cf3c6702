#!/usr/bin/env python3
# Llama server: llama.cpp's own HTTP server, from the package that ships it built, for tests of upstreams.
"""Usage: serve.py MODEL NAME   Prints its address; ends when its input does."""
import sys

import xllamacpp


def main():
    params = xllamacpp.CommonParams()
    params.model.path, params.model_alias = sys.argv[1], {sys.argv[2]}
    params.port, params.n_ctx, params.n_parallel = 0, 2048, 1
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    sys.stdin.read()


main()
