// Catalog: every model id of Workers AI, the files that can answer for it, and which of them are on
// this disk.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace selvedge::catalog {

enum class Task : std::uint8_t {
  text_generation,
  text_embeddings,
  text_classification,
  automatic_speech_recognition,
  text_to_speech,
  text_to_image,
  image_to_text,
  image_classification,
  object_detection,
  translation,
  summarization,
  voice_activity_detection,
  other,
};

// Which files may answer: `exact` only the model named; `small` only a stand-in; `auto_` exact if
// on disk, else a stand-in if on disk.
enum class Profile : std::uint8_t { exact, small, auto_ };

// Two generations of text models. Source: docs/compatibility.md.
enum class Schema : std::uint8_t { legacy, openai };

// A published price of one unit, as the table spells it ("per_step", "per_512_tile").
struct UnitPrice {
  std::string unit;
  double neurons = 0;
};

// Prices in neurons; 0 = none published.
struct Prices {
  double per_m_input_tokens = 0;
  double per_m_output_tokens = 0;
  double per_m_cached_input_tokens = 0;
  double per_audio_minute = 0;
  std::vector<UnitPrice> units;  // Every published one, those above too.
};

// One id of Workers AI. Lives as long as the process.
struct ModelEntry {
  std::string id;    // "@cf/meta/llama-3-8b-instruct"
  std::string uuid;  // Cloudflare's where known, else derived from the id.
  Task task = Task::other;
  std::string task_name;  // "Text Generation", as Cloudflare spells it.
  std::string task_id;
  std::string description;
  Schema schema = Schema::legacy;
  std::int32_t context_tokens = 0;  // 0 = not published.
  std::int32_t output_dimensions =
      0;  // Embeddings: what the id promises (768 for bge-base); 0 = unknown.
  bool deprecated = false;
  std::string deprecated_on;  // ISO date or empty.
  bool lora = false;
  bool function_calling = false;
  bool listed = false;
  Prices prices;
  std::vector<std::string> traits;  // "beta", "reasoning", "vision", "async_queue", "partner" ...
  std::string created_at;           // As Cloudflare writes it; mostly unknown.
  std::string weights;              // Repository of the open weights on huggingface.co, or empty.
  bool own = false;                 // The user's: no id of Workers AI, and nothing is paid for it.
  std::string inputs_like;  // Of an own id: the id of Workers AI whose inputs it takes, or empty.
};

// Cross-encoders stand among the classifiers; their ids tell them apart.
inline bool is_reranker(const ModelEntry& entry) {
  const std::string& id = entry.own ? entry.inputs_like : entry.id;
  return entry.task == Task::text_classification && id.find("reranker") != std::string::npos;
}

// How weights that draw want to be used where nobody says otherwise.
struct DrawingHabits {
  // 0, and empty below: the model's published default, the engine's choice.
  std::int32_t steps = 0;
  double guidance = 0;
  std::string sampler;
  std::string scheduler;
};

// A file that can be fetched or imported, known by its SHA-256.
struct Artifact {
  std::string name;               // "smollm2-135m-instruct-q4_1": unique.
  std::string file;               // File name on disk.
  std::string url;                // Empty: not to be had by `pull` (the set-up makes it).
  std::string sha256;             // Empty: not known before the first pull.
  std::uint64_t bytes = 0;        // 0 = unknown.
  std::uint64_t bytes_about = 0;  // For people: `bytes`, or roughly so much; 0 = no idea.
  std::string licence;
  Task task = Task::other;
  std::string part;       // Empty = the weights; else "vae", "clip_l", "projector" ... of `models`.
  std::string of;         // Of a part of weights that are no id's own: their name.
  bool optional = false;  // Of a part: the model works without.
  bool stand_in = false;  // May answer for other ids.
  bool reader = true;     // False: too small to answer from passages (the bot then quotes).
  std::string query_prefix;  // Embeddings: what the model was trained to see, "query: ".
  std::string passage_prefix;
  double refuse_below_latin =
      0;  // Embeddings: cosine of question and best sentence under which `quote` refuses.
  double refuse_below_cjk = 0;
  DrawingHabits drawing;
  std::vector<std::string> models;  // Ids that this file is the exact weights of.
};

// A further file that a model needs.
struct ResolvedPart {
  std::string role;  // As Artifact::part.
  std::filesystem::path path;
};

// What answers for an id, now.
struct Resolved {
  const ModelEntry* entry = nullptr;  // Never null.
  std::string requested;              // The id as asked for.
  std::string answered_by;            // Artifact or imported file's name.
  std::filesystem::path path;         // The weights.
  std::string sha256;
  std::vector<ResolvedPart> parts;
  bool stand_in = false;  // Always announced to the client.
  // Why the weights read no pictures, and what to do about it. Empty where they do.
  std::string blind_because;
  // What the weights do. Not what the id does: the answer is an emulation, and announced as one.
  Task weights_task = Task::other;
  bool reader = true;
  std::string query_prefix;
  std::string passage_prefix;
  double refuse_below_latin = 0;
  double refuse_below_cjk = 0;
  DrawingHabits drawing;
};

// A file on this disk.
struct Installed {
  std::string name;
  std::filesystem::path path;
  std::string sha256;
  std::uint64_t bytes = 0;
  std::string source;  // Where it came from: a URL, or "import".
  Task task = Task::other;
  bool stand_in = false;
  std::vector<std::string> models;  // Ids it is bound to exactly.
  std::string part;                 // What it is of `models`, as Artifact::part.
};

// What shall be taken in, and what it shall answer for.
struct ImportRequest {
  // A file, a folder with the files of one model, or "hf:owner/repository[/file]" for one on
  // huggingface.co.
  std::string source;
  std::string
      pick;  // Of several models in a folder or a repository: a file, or a part of its name.
  // Of Workers AI, or any other of the user's choice, which becomes an own id (see check_own_id).
  std::vector<std::string> ids;
  std::string part;  // The file is no weights but this part of the models, as Artifact::part.
  // Of own ids alone:
  std::optional<Task> task;        // Else what the weights' header says.
  Schema schema = Schema::openai;  // Of a text model: what it takes and answers on `ai/run`.
};

// Bytes done, bytes in all (0 = unknown), and what is being done ("fetching", "checking").
using Progress = std::function<void(std::uint64_t, std::uint64_t, std::string_view)>;

// Thread-safe. Look-ups are quick; install, import and pull block (and are used by the CLI, not by
// requests).
class Catalog {
 public:
  // `home` holds `models/` and `catalog.db`; created when missing. Errors: io, corrupt_data.
  static Result<std::unique_ptr<Catalog>> open(const std::filesystem::path& home, Profile profile);
  virtual ~Catalog() = default;

  // Of Workers AI.
  virtual std::span<const ModelEntry> entries() const = 0;
  // Those, and the ones that the user added. The pointers are good as long as this.
  virtual std::vector<const ModelEntry*> all_entries() const {
    std::vector<const ModelEntry*> all;
    for (const ModelEntry& entry : entries()) all.push_back(&entry);
    return all;
  }
  virtual std::span<const Artifact> artifacts() const = 0;
  // Errors: model_not_found.
  virtual Result<const ModelEntry*> find(std::string_view id) const = 0;

  // Which file answers for `id` under the profile. Sees files that another process installed
  // meanwhile. Errors: model_not_found, model_not_installed (the message says which `selvedge pull`
  // fetches it), model_unsupported (a task that no engine of this build serves).
  virtual Result<Resolved> resolve(std::string_view id) const = 0;

  virtual Result<std::vector<Installed>> installed() const = 0;

  // Copies weights in, or fetches them: checked (the header of a GGUF, or of safetensors that draw,
  // must hold), hashed, renamed into place atomically; of a model in several files all of them. A
  // file whose SHA-256 is that of a known artifact becomes that artifact; `ids` binds it to ids
  // besides; one of the two is needed, and of a part the ids. Errors: not_found, file_invalid,
  // invalid_input (an id or a part that cannot be; several models to choose from), io; of a
  // repository those of pull.
  virtual Result<Installed> take_in(const ImportRequest& request, const Progress& progress) = 0;
  Result<Installed> import(const std::filesystem::path& file, std::span<const std::string> ids,
                           const Progress& progress) {
    ImportRequest request;
    request.source = file.string();
    request.ids.assign(ids.begin(), ids.end());
    return take_in(request, progress);
  }
  Result<Installed> import_part(const std::filesystem::path& file, std::string_view part,
                                std::span<const std::string> ids, const Progress& progress) {
    ImportRequest request;
    request.source = file.string();
    request.part = part;
    request.ids.assign(ids.begin(), ids.end());
    return take_in(request, progress);
  }

  // Fetches the exact artifact of `id` and its parts (or the artifact of that name): resumed,
  // verified, renamed into place. Returns the weights. Errors: model_not_found, model_unsupported,
  // download_failed, checksum_mismatch, file_invalid, unavailable (another process fetches it), io.
  virtual Result<Installed> pull(std::string_view id_or_name, const Progress& progress) = 0;

  // Removes a file by its name, or the file bound to an id. Errors: not_found, io.
  virtual Status remove(std::string_view name_or_id) = 0;

  // Ends what the user bound to `id`, and leaves the file. An own id is gone with it. Errors:
  // not_found, io.
  virtual Status unbind(std::string_view id) = 0;
};

}  // namespace selvedge::catalog
