// CoreProbe: whether a team of threads would have its cores to itself just now.
#pragma once

namespace selvedge::engines {

// ggml's threads wait for each other, spinning, after every operation: a team of which one has to
// share its core is many times slower than a single thread. Lets `threads` threads meet at a
// barrier for some 15 ms: false when one was kept from it for longer than a moment. For work that
// takes seconds and cannot be given other threads in its middle; ThreadPace is for work in small
// batches.
bool cores_are_free(int threads);

}  // namespace selvedge::engines
