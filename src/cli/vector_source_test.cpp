// Tests of VectorSource, but for what tests/e2e/index_transfer_test.py sees from outside.
#include "cli/vector_source.h"

#include <cmath>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "cli/array_file.h"

namespace selvedge::cli {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;

class VectorSourceTest : public testing::Test {
 protected:
  VectorSourceTest() {
    std::string pattern = (fs::temp_directory_path() / "sources-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~VectorSourceTest() override { fs::remove_all(folder_); }

  fs::path write(const std::string& name, const std::string& bytes) {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
    return folder_ / name;
  }
  fs::path table(const std::vector<float>& values) {
    std::string bytes = npy_header(values.size() / 2, 2);
    bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
    return write("table.npy", bytes);
  }

  fs::path folder_;
  VectorSourceOptions options_;
  VectorLines lines_;
};

TEST_F(VectorSourceTest, LinesKeepTheirNumbersOverBlankOnes) {
  auto source = VectorSource::open(write("a.ndjson", "{\"a\"}\n\n  \r\n{\"b\"}\nlast"), options_);
  ASSERT_TRUE(source.ok()) << source.error().message;
  ASSERT_TRUE((*source)->next(10, 1'000, lines_).ok());
  EXPECT_EQ(lines_.text, "{\"a\"}\n{\"b\"}\nlast\n");
  EXPECT_THAT(lines_.numbers, ElementsAre(1, 4, 5));
  EXPECT_EQ(lines_.part(1, 3), "{\"b\"}\nlast\n");
  EXPECT_TRUE((*source)->place(4).ends_with("a.ndjson:4"));
  ASSERT_TRUE((*source)->next(10, 1'000, lines_).ok());
  EXPECT_TRUE(lines_.starts.empty());
}

TEST_F(VectorSourceTest, APieceEndsAtTheCountOrTheBytes) {
  auto source = VectorSource::open(write("a.ndjson", "11\n22\n33\n44\n"), options_);
  ASSERT_TRUE((*source)->next(1, 1'000, lines_).ok());
  EXPECT_EQ(lines_.text, "11\n");
  ASSERT_TRUE((*source)->next(10, 4, lines_).ok());
  EXPECT_EQ(lines_.text, "22\n33\n");
}

TEST_F(VectorSourceTest, DimensionsComeFromTheFirstLineWhichIsNotLost) {
  auto source =
      VectorSource::open(write("a.ndjson", "\n{\"id\":\"a\",\"values\":[1,2,3]}\n"), options_);
  EXPECT_EQ((*source)->dimensions(), 3u);
  EXPECT_EQ((*source)->dimensions(), 3u);
  ASSERT_TRUE((*source)->next(10, 1'000, lines_).ok());
  EXPECT_THAT(lines_.numbers, ElementsAre(2));
  auto none = VectorSource::open(write("b.ndjson", "words\n"), options_);
  EXPECT_EQ((*none)->dimensions(), 0u);
}

TEST_F(VectorSourceTest, RowsBecomeLinesWithIdsOfTheirNumbers) {
  options_.id_prefix = "p\"";
  options_.first_number = 7;
  auto source = VectorSource::open(table({0.1F, 2, -1e-10F, 4}), options_);
  ASSERT_TRUE((*source)->next(10, 1'000, lines_).ok());
  EXPECT_EQ(lines_.text,
            "{\"id\":\"p\\\"7\",\"values\":[0.1,2]}\n{\"id\":\"p\\\"8\",\"values\":[-1e-10,4]}\n");
  EXPECT_EQ((*source)->done(), 2u);
  EXPECT_TRUE((*source)->place(1).ends_with("table.npy, row 1"));
}

TEST_F(VectorSourceTest, AListOfIdsThatIsTooShortNamesTheRow) {
  options_.ids = write("ids", "a\r\n");
  auto source = VectorSource::open(table({1, 2, 3, 4}), options_);
  const Status read = (*source)->next(10, 1'000, lines_);
  ASSERT_FALSE(read.ok());
  EXPECT_THAT(read.error().message, testing::HasSubstr("no line for row 1"));
}

TEST_F(VectorSourceTest, ANumberThatIsNotFiniteNamesTheRow) {
  auto source = VectorSource::open(table({1, 2, NAN, 4}), options_);
  const Status read = (*source)->next(10, 1'000, lines_);
  ASSERT_FALSE(read.ok());
  EXPECT_THAT(read.error().message, testing::HasSubstr("row 1"));
}

TEST_F(VectorSourceTest, ParquetIsKnownByItsBytesToo) {
  for (const char* name : {"a.parquet", "a.ndjson"}) {
    const auto source = VectorSource::open(write(name, "PAR1...."), options_);
    ASSERT_FALSE(source.ok());
    EXPECT_THAT(source.error().message, testing::HasSubstr("read_parquet"));
  }
}

TEST_F(VectorSourceTest, OptionsOfTablesAreRefusedForLines) {
  options_.id_prefix = "p";
  const auto source = VectorSource::open(write("a.ndjson", "{}"), options_);
  ASSERT_FALSE(source.ok());
  EXPECT_EQ(source.error().code, Code::invalid_input);
}

}  // namespace
}  // namespace selvedge::cli
