// Runs one fuzz target over the files of the folders it is given, and over every truncation of
// each.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "tests/fuzz/fuzz.h"

int main(int argc, char** argv) {
  std::size_t files = 0;
  for (int i = 1; i < argc; ++i) {
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      std::ifstream in(entry.path(), std::ios::binary);
      const std::vector<char> content{std::istreambuf_iterator<char>(in), {}};
      const auto* data = reinterpret_cast<const std::uint8_t*>(content.data());
      for (std::size_t size = 0; size <= content.size(); size += size < 64 ? 1 : 37) {
        const std::vector<std::uint8_t> part(data,
                                             data + size);  // exact, so that ASan sees the end
        LLVMFuzzerTestOneInput(part.data(), part.size());
      }
      LLVMFuzzerTestOneInput(data, content.size());
      ++files;
    }
  }
  std::printf("%zu inputs replayed\n", files);
  return files == 0 ? 1 : 0;
}
