// Included before ggml's AMX kernels: tells the compiler which memory the tile instructions read.
//
// GCC's own _tile_loadconfig (before 11.5, 12.4, 13.3; its bug 114098) declares 8 of the 64 bytes,
// and its _tile_loadd none, so it may store a configuration or a tile after the instruction that
// loads it. The first quantised matrix product on a CPU with AMX then ends in SIGSEGV.
#pragma once

#include <immintrin.h>

#undef _tile_loadconfig
#define _tile_loadconfig(config) \
  __asm__ volatile("ldtilecfg %0" ::"m"(*(const char(*)[64])(config)))

#undef _tile_loadd
#define _tile_loadd(tile, base, stride) SELVEDGE_TILE_LOADD(tile, base, stride)
#define SELVEDGE_TILE_LOADD(tile, base, stride)                                   \
  __asm__ volatile("tileloadd (%0,%1,1), %%tmm" #tile ::"r"((const void*)(base)), \
                   "r"((long)(stride))                                            \
                   : "memory")
