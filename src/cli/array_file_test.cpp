// Tests of ArrayFile.
#include "cli/array_file.h"

#include <cstring>
#include <fstream>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

namespace selvedge::cli {
namespace {

namespace fs = std::filesystem;

class ArrayFileTest : public testing::Test {
 protected:
  ArrayFileTest() {
    std::string pattern = (fs::temp_directory_path() / "arrays-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~ArrayFileTest() override { fs::remove_all(folder_); }

  Result<ArrayFile> open(const std::string& name, const std::string& bytes) {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
    return ArrayFile::open(folder_ / name);
  }
  std::string reason(const std::string& name, const std::string& bytes) {
    const auto file = open(name, bytes);
    return file.ok() ? "opened" : file.error().message.substr(file.error().message.find(": ") + 2);
  }

  fs::path folder_;
};

template <class Number>
std::string bytes_of(const std::vector<Number>& numbers) {
  std::string bytes(numbers.size() * sizeof(Number), '\0');
  std::memcpy(bytes.data(), numbers.data(), bytes.size());
  return bytes;
}

// As numpy.save writes it.
std::string npy(const std::string& type, const std::string& shape, const std::string& data,
                const std::string& order = "False") {
  std::string header =
      "{'descr': '" + type + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }";
  while ((header.size() + 11) % 64 != 0) header += ' ';
  header += '\n';
  return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(header.size()) + '\0' + header +
         data;
}

std::vector<float> row_of(const ArrayFile& file, std::size_t at) {
  std::vector<float> row(file.columns());
  EXPECT_TRUE(file.read(at, row).ok());
  return row;
}

TEST_F(ArrayFileTest, NpyOfEveryTypeComesAsFloats) {
  const std::vector<float> second = {3, 4};
  for (const auto& [type, data] : std::vector<std::pair<std::string, std::string>>{
           {"<f4", bytes_of<float>({1, 2, 3, 4})},
           {"<f8", bytes_of<double>({1, 2, 3, 4})},
           {"|i1", bytes_of<std::int8_t>({1, 2, 3, 4})},
           {"|u1", bytes_of<std::uint8_t>({1, 2, 3, 4})},
           {"<i4", bytes_of<std::int32_t>({1, 2, 3, 4})},
           {"<i8", bytes_of<std::int64_t>({1, 2, 3, 4})}}) {
    const auto file = open("a.npy", npy(type, "(2, 2)", data));
    ASSERT_TRUE(file.ok()) << type << ": " << file.error().message;
    EXPECT_EQ(file->rows(), 2u);
    EXPECT_EQ(row_of(*file, 1), second) << type;
    EXPECT_EQ(file->whole_numbers(), type[1] != 'f') << type;
  }
}

TEST_F(ArrayFileTest, AListHasOneColumn) {
  const auto file = open("a.npy", npy("<f4", "(3,)", bytes_of<float>({1, 2, 3})));
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(file->rows(), 3u);
  EXPECT_EQ(file->columns(), 1u);
}

TEST_F(ArrayFileTest, WholeNumbersKeepAllTheirDigits) {
  const auto file = open("a.npy", npy("<i8", "(1, 1)", bytes_of<std::int64_t>({16'777'217})));
  ASSERT_TRUE(file.ok());
  std::int64_t number = 0;
  ASSERT_TRUE(file->read(0, std::span(&number, 1)).ok());
  EXPECT_EQ(number, 16'777'217);
}

TEST_F(ArrayFileTest, NpyThatCannotBeReadTellsWhy) {
  const std::string four = bytes_of<float>({1, 2, 3, 4});
  EXPECT_EQ(reason("a.npy", "nothing"), "is no .npy file");
  EXPECT_EQ(reason("a.npy", npy("<f4", "(2, 3)", four)), "is shorter than its header says");
  EXPECT_EQ(reason("a.npy", npy("<f4", "(99999999999999999, 99999)", four)),
            "is shorter than its header says");
  EXPECT_EQ(reason("a.npy", npy("<f4", "(2, 2)", four, "True")),
            "is stored column by column; save numpy.ascontiguousarray(a) instead");
  EXPECT_EQ(reason("a.npy", npy("<f2", "(2, 2)", four)),
            "has numbers of a type that is not read; save a.astype('float32') instead");
  EXPECT_EQ(reason("a.npy", npy("<f4", "(1, 2, 2)", four)), "has more than two dimensions");
  EXPECT_EQ(reason("a.npy", npy("<f4", "(2, 2)", four).substr(0, 20)), "ends within its header");
  EXPECT_EQ(reason("a.txt", four), "is none of .npy, .fvecs and .ivecs by its name");
}

TEST_F(ArrayFileTest, FvecsAndIvecsHaveTheirLengthBeforeEachRow) {
  const std::string two = bytes_of<std::int32_t>({2});
  const auto floats =
      open("a.fvecs", two + bytes_of<float>({1, 2}) + two + bytes_of<float>({3, 4}));
  ASSERT_TRUE(floats.ok());
  EXPECT_EQ(floats->rows(), 2u);
  EXPECT_EQ(row_of(*floats, 1), (std::vector<float>{3, 4}));
  const auto whole = open("a.ivecs", two + bytes_of<std::int32_t>({7, 8}));
  ASSERT_TRUE(whole.ok());
  EXPECT_EQ(row_of(*whole, 0), (std::vector<float>{7, 8}));
}

TEST_F(ArrayFileTest, FvecsWithRowsOfAnotherLengthAreRefused) {
  const std::string two = bytes_of<std::int32_t>({2});
  const std::string row = two + bytes_of<float>({1, 2});
  EXPECT_EQ(reason("a.fvecs", row.substr(0, 10)), "ends within a row");
  const auto file = open("a.fvecs", row + bytes_of<std::int32_t>({3}) + bytes_of<float>({1, 2}));
  ASSERT_TRUE(file.ok());
  std::vector<float> values(2);
  EXPECT_EQ(file->read(1, values).error().code, Code::file_invalid);
}

TEST_F(ArrayFileTest, AWrittenHeaderIsReadAndAlwaysAsLong) {
  EXPECT_EQ(npy_header(1, 1).size(), npy_header(99'999'999, 4'096).size());
  const auto file = open("a.npy", npy_header(1, 2) + bytes_of<float>({5, 6}));
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_EQ(row_of(*file, 0), (std::vector<float>{5, 6}));
}

TEST_F(ArrayFileTest, AMissingFileIsNotFound) {
  EXPECT_EQ(ArrayFile::open(folder_ / "none.npy").error().code, Code::not_found);
}

}  // namespace
}  // namespace selvedge::cli
