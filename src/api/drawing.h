// Drawing: Workers AI's pictures, from JSON to a task and from pixels to what is answered.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "api/context.h"
#include "api/run_options.h"
#include "api/sse.h"
#include "base/result.h"
#include "inference/inference.h"

namespace selvedge::api {

// What a model answers with. Source: docs/compatibility.md#pictures.
enum class DrawingForm : std::uint8_t {
  png,          // The bytes of a PNG: the Stable Diffusion family.
  jpeg,         // The bytes of a JPEG: phoenix.
  base64_jpeg,  // {"image":"…"}: FLUX, lucid-origin.
};

struct DrawCall {
  inference::DrawTask task;
  DrawingForm form = DrawingForm::png;
  bool says_steps = false;  // Otherwise the weights' own habits count.
  bool says_guidance = false;
};

// `input` has met the schema of `entry`; {"multipart"} is a form. Errors: invalid_input.
Result<DrawCall> parse_draw(const nlohmann::json& input, const catalog::ModelEntry& entry);

// Drawn in so many steps as it was made for, as hosted, whatever is asked for.
bool has_own_steps(const catalog::ModelEntry& entry);

// What the weights that answer want to be used with, where `call` says nothing.
void use_habits(DrawCall& call, const catalog::DrawingHabits& habits);

// A picture as a file, and where it is kept besides.
struct DrawnFile {
  std::string bytes;
  std::string type;  // "image/png"
  std::int32_t width = 0;
  std::int32_t height = 0;
  std::uint64_t seed = 0;
  double neurons = 0;       // What it costs.
  std::string stored;       // Empty: nowhere.
  std::string store_fault;  // Why it is not where it should be; the picture is answered anyway.
};

// How a picture is made into a file.
struct DrawnWay {
  DrawingForm form = DrawingForm::png;
  RunOptions options;
  std::string request_id;                      // The name in the store, where `options` give none.
  const catalog::ModelEntry* entry = nullptr;  // For the price.
  std::int32_t steps = 0;                      // The same.
};

// Errors of `options` that only show here: invalid_input (a store is asked for, and the server has
// none).
Status check_store(const ApiContext& context, const RunOptions& options);

// Waits for the picture of `stream`. Errors: those of WorkStream::next.
asio::awaitable<Result<DrawnFile>> finish_drawing(const ApiContext& context,
                                                  inference::DrawStream& stream, DrawnWay way);

// A picture as server-sent events: "event: progress" with {"step","steps"} for each step, then one
// with {"image","content_type","width","height","seed","neurons","stored"}, [DONE]. `error_json`
// makes the door's form of an error. `context` outlives the result.
std::unique_ptr<EventSource> drawing_events(const ApiContext& context,
                                            std::unique_ptr<inference::DrawStream> stream,
                                            DrawnWay way,
                                            std::function<std::string(const Error&)> error_json);

}  // namespace selvedge::api
