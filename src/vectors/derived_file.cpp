// Derived files: system calls, each with the file's name in its error.
#include "vectors/derived_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace selvedge::vectors {
namespace {

Error failure(const std::filesystem::path& path) {
  const Code code = errno == ENOENT ? Code::not_found : Code::io;
  return Error{code,
               path.string() + ": " + std::error_code(errno, std::generic_category()).message()};
}

// A descriptor that is closed at the end.
class Opened {
 public:
  Opened(const std::filesystem::path& path, int flags)
      : file_(::open(path.c_str(), flags | O_CLOEXEC)) {}
  ~Opened() {
    if (file_ >= 0) ::close(file_);
  }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
  int file() const { return file_; }

 private:
  int file_;
};

Result<std::shared_ptr<const Mapping>> map(const std::filesystem::path& path, int protection,
                                           const std::size_t* expected,
                                           std::shared_ptr<LossCount> losses) {
  const Opened opened(path, O_RDONLY);
  if (opened.file() < 0) return failure(path);
  struct stat status {};
  if (::fstat(opened.file(), &status) != 0) return failure(path);
  const auto bytes = static_cast<std::size_t>(status.st_size);
  if (bytes == 0 || (expected != nullptr && bytes != *expected)) {
    return Error{Code::corrupt_data, path.string() + ": has " + std::to_string(bytes) + " bytes"};
  }
  // Without a reservation: most pages of a private mapping are never written.
  void* memory = ::mmap(nullptr, bytes, protection, MAP_PRIVATE | MAP_NORESERVE, opened.file(), 0);
  if (memory == MAP_FAILED) return failure(path);
  return std::make_shared<const Mapping>(memory, bytes, std::move(losses));
}

}  // namespace

std::uint64_t checksum(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

std::vector<std::uint64_t> block_checksums(std::string_view bytes) {
  std::vector<std::uint64_t> sums;
  for (std::size_t at = 0; at < bytes.size(); at += kChecksumBlockBytes) {
    sums.push_back(checksum(bytes.substr(at, kChecksumBlockBytes)));
  }
  return sums;
}

Result<DerivedFile> DerivedFile::create(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return failure(path);
  return DerivedFile(file, path);
}

DerivedFile::DerivedFile(int file, std::filesystem::path path)
    : file_(file), path_(std::move(path)) {}

DerivedFile::DerivedFile(DerivedFile&& other) noexcept
    : file_(std::exchange(other.file_, -1)), path_(std::move(other.path_)), size_(other.size_) {}

DerivedFile::~DerivedFile() {
  if (file_ >= 0) ::close(file_);
}

Status DerivedFile::append(std::string_view bytes) {
  SEL_CHECK_OK(write_at(size_, bytes));
  size_ += bytes.size();
  return ok_status();
}

Status DerivedFile::align(std::size_t alignment) {
  static constexpr std::array<char, 4'096> kZeros{};
  const std::size_t over = size_ % alignment;
  return over == 0 ? ok_status() : append({kZeros.data(), alignment - over});
}

Status DerivedFile::write_at(std::uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failure(path_);
    bytes.remove_prefix(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
  return ok_status();
}

Status DerivedFile::extend_to(std::uint64_t bytes) {
  if (bytes <= size_) return ok_status();
  if (::ftruncate(file_, static_cast<off_t>(bytes)) != 0) return failure(path_);
  size_ = bytes;
  return ok_status();
}

Status DerivedFile::sync() {
  if (::fsync(file_) != 0) return failure(path_);
  return ok_status();
}

Status sync_folder(const std::filesystem::path& folder) {
  const Opened opened(folder, O_RDONLY | O_DIRECTORY);
  if (opened.file() < 0 || ::fsync(opened.file()) != 0) return failure(folder);
  return ok_status();
}

Result<std::shared_ptr<const Mapping>> Mapping::open(const std::filesystem::path& path) {
  return map(path, PROT_READ, nullptr, nullptr);
}

Result<std::shared_ptr<const Mapping>> Mapping::open_private(const std::filesystem::path& path,
                                                             std::size_t bytes,
                                                             std::shared_ptr<LossCount> losses) {
  return map(path, PROT_READ | PROT_WRITE, &bytes, std::move(losses));
}

Result<std::shared_ptr<const Mapping>> Mapping::empty(std::size_t bytes) {
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return failure("memory");
  return std::make_shared<const Mapping>(memory, bytes, nullptr);
}

Mapping::Mapping(void* memory, std::size_t bytes, std::shared_ptr<LossCount> losses)
    : memory_(memory),
      bytes_(bytes),
      lost_(std::make_unique<LostPages>(static_cast<char*>(memory), bytes, std::move(losses))) {}

Mapping::~Mapping() {
  lost_.reset();
  ::munmap(memory_, bytes_);
}

Status Mapping::replace(std::size_t offset, std::string_view bytes) const {
  void* fresh =
      ::mmap(nullptr, bytes.size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (fresh == MAP_FAILED) return failure("memory");
  std::memcpy(fresh, bytes.data(), bytes.size());
  return lost_->put_back(offset, bytes.size(), [&]() -> Status {
    if (::mremap(fresh, bytes.size(), bytes.size(), MREMAP_MAYMOVE | MREMAP_FIXED,
                 memory() + offset) != MAP_FAILED) {
      return ok_status();
    }
    ::munmap(fresh, bytes.size());
    return failure("memory");
  });
}

Result<std::size_t> read_at(const std::filesystem::path& path, std::uint64_t offset,
                            std::span<char> bytes) {
  const Opened opened(path, O_RDONLY);
  if (opened.file() < 0) return failure(path);
  std::size_t got = 0;
  while (got < bytes.size()) {
    const ssize_t part = ::pread(opened.file(), bytes.data() + got, bytes.size() - got,
                                 static_cast<off_t>(offset + got));
    if (part < 0 && errno == EINTR) continue;
    if (part < 0) return failure(path);
    if (part == 0) break;
    got += static_cast<std::size_t>(part);
  }
  return got;
}

}  // namespace selvedge::vectors
