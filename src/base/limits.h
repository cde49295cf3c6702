// Every bound of the server in one place. Units are in the names; `docs/operations.md` repeats
// those that people meet.
#pragma once

#include <cstddef>
#include <cstdint>

namespace selvedge::limits {

// HTTP.
inline constexpr std::size_t header_bytes_max = 32 * 1024;
inline constexpr std::size_t json_body_bytes_max = 16 * 1024 * 1024;
inline constexpr std::size_t vectors_body_bytes_max =
    100 * 1024 * 1024;  // Vectorize: 100 MB an upload.
inline constexpr std::size_t audio_body_bytes_max =
    100 * 1024 * 1024;  // Of calls that bring a file; JSON for other models stays below its own.
inline constexpr std::size_t bodies_in_flight_bytes_max = 1024u * 1024 * 1024;
inline constexpr int header_ms_max =
    10'000;  // From the first byte of a request to its last header.
inline constexpr int body_ms_max = 120'000;
inline constexpr int keep_alive_ms_max = 75'000;
inline constexpr int stream_stall_ms_max = 30'000;  // A client that does not read its stream.
inline constexpr std::size_t connections_max = 16'384;
inline constexpr std::size_t json_depth_max = 64;

// Inference.
inline constexpr std::size_t tasks_waiting_max = 256;   // Per model.
inline constexpr std::size_t sequences_active_max = 8;  // Per model: slots of the runner.
inline constexpr int task_ms_max = 600'000;
inline constexpr int draw_ms_max = 3'600'000;         // A picture; processors take a minute a step.
inline constexpr int runner_silence_ms_max = 20'000;  // A busy runner that sends nothing is hung.
inline constexpr int runner_load_ms_max = 300'000;
inline constexpr std::size_t prompt_chars_max = 131'072;  // Workers AI: string 1…131072.
inline constexpr std::size_t embed_texts_max = 100;       // Workers AI: up to 100 texts a call.
inline constexpr std::size_t rank_texts_max = 1'000;      // Contexts of one call; ours.
inline constexpr std::size_t frame_bytes_max = 256u * 1024 * 1024;
inline constexpr std::size_t pictures_per_call_max = 16;             // In a conversation; ours.
inline constexpr std::size_t picture_bytes_max = 10u * 1024 * 1024;  // Of each, as a file; ours.
inline constexpr std::size_t picture_prompt_chars_max = 4'096;  // Ours; its reader is recursive.
inline constexpr std::int32_t picture_side_max = 2'048;         // Workers AI.
inline constexpr std::int32_t picture_steps_max = 50;
inline constexpr int max_tokens_default = 256;  // Workers AI's default.
inline constexpr std::size_t tools_max = 128;   // OpenAI's.
inline constexpr std::size_t tool_name_chars_max = 128;
inline constexpr std::size_t tools_bytes_max = 512 * 1024;  // All tools of a call, as JSON.
inline constexpr std::size_t schema_bytes_max = 64 * 1024;  // Of an answer.

// Fine-tunes.
inline constexpr std::size_t adapter_file_bytes_max = 300u * 1024 * 1024;  // Workers AI: 300 MB.
inline constexpr std::size_t finetunes_per_account_max = 1'000;
inline constexpr std::size_t finetune_name_chars_max = 128;
inline constexpr std::uint32_t adapter_rank_max = 256;

// Vectorize, generous mode.
inline constexpr std::uint32_t dimensions_min = 1;
inline constexpr std::uint32_t dimensions_max = 4'096;
// Places in memory of one index, those of replaced vectors included.
inline constexpr std::size_t vectors_per_index_max = 64'000'000;
inline constexpr std::size_t vectors_per_write_max = 100'000;
inline constexpr std::size_t id_bytes_max = 64;
inline constexpr std::size_t namespace_bytes_max = 64;
inline constexpr std::size_t index_name_bytes_max = 64;
inline constexpr std::size_t description_bytes_max = 1'024;
inline constexpr std::size_t metadata_bytes_max = 10'240;
inline constexpr std::size_t top_k_max = 1'000;
inline constexpr std::size_t top_k_default = 5;
inline constexpr std::size_t ids_per_call_max = 1'000;
inline constexpr std::size_t indexes_per_account_max = 50'000;
inline constexpr std::size_t metadata_indexes_max = 64;
inline constexpr std::size_t property_bytes_max = 512;       // Path of a property, in a filter too.
inline constexpr std::size_t indexed_string_bytes_max = 64;  // Vectorize: of an indexed string.
inline constexpr std::size_t filter_bytes_max = 2'048;       // Vectorize: compact JSON.
inline constexpr std::size_t filter_depth_max = 16;          // Of $and, $or and $not; ours.
inline constexpr std::size_t list_count_max = 1'000;
inline constexpr std::size_t list_count_default = 100;
inline constexpr int list_cursor_ms_max = 3'600'000;
inline constexpr std::size_t list_cursors_max = 64;  // Open listings of one server.

// The test kit.
inline constexpr int kit_delay_ms_max = 3'600'000;      // Of writes and of answers.
inline constexpr std::size_t delayed_states_max = 256;  // Of one index, that wait to be seen.

// Knowledge (the bot).
inline constexpr std::size_t knowledge_text_bytes_max = 1024 * 1024;
inline constexpr std::size_t question_chars_max = 8'192;

}  // namespace selvedge::limits
