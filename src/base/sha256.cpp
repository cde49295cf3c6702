// SHA-256 through OpenSSL's EVP.
#include "base/sha256.h"

#include <fstream>
#include <vector>

#include <openssl/evp.h>

namespace selvedge {

struct Sha256::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  State() {
    SEL_CHECK(context != nullptr && EVP_DigestInit_ex(context, EVP_sha256(), nullptr) == 1);
  }
  ~State() { EVP_MD_CTX_free(context); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::add(std::string_view bytes) {
  SEL_CHECK(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1);
}

std::string Sha256::hex() {
  unsigned char digest[32];
  unsigned int length = 0;
  SEL_CHECK(EVP_DigestFinal_ex(state_->context, digest, &length) == 1 && length == 32);
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : digest) {
    text.push_back(kDigits[byte >> 4]);
    text.push_back(kDigits[byte & 15]);
  }
  return text;
}

Result<std::string> sha256_of_file(const std::filesystem::path& path,
                                   const std::function<void(std::uint64_t)>& progress) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error{Code::not_found, "cannot open " + path.string()};
  Sha256 hash;
  std::vector<char> buffer(1 << 20);
  std::uint64_t bytes_read = 0;
  while (file) {
    file.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    const auto count = static_cast<std::size_t>(file.gcount());
    hash.add({buffer.data(), count});
    bytes_read += count;
    if (progress) progress(bytes_read);
  }
  if (file.bad()) return Error{Code::io, "cannot read " + path.string()};
  return hash.hex();
}

}  // namespace selvedge
