#include "platform/resident.h"

#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

namespace godwit::platform {
namespace {

int forget_if_named(dl_phdr_info* info, std::size_t /*size*/, void* wanted) {
  const std::string_view path = info->dlpi_name == nullptr ? "" : info->dlpi_name;
  const std::string_view name = path.substr(path.rfind('/') + 1);
  if (!name.starts_with(*static_cast<const std::string_view*>(wanted))) return 0;
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& segment = info->dlpi_phdr[i];
    // Code is not written to, so a page that is gone comes back from the file as it was.
    if (segment.p_type != PT_LOAD || segment.p_flags != (PF_R | PF_X)) continue;
    const std::uintptr_t begin = (info->dlpi_addr + segment.p_vaddr) & ~(page - 1);
    const std::uintptr_t end = info->dlpi_addr + segment.p_vaddr + segment.p_memsz;
    // Code holds no secrets: it need not stay locked (lock_memory()).
    (void)::munlock(reinterpret_cast<void*>(begin), end - begin);
    (void)::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }
  return 1;
}

}  // namespace

void forget_code(std::string_view library) { ::dl_iterate_phdr(forget_if_named, &library); }

}  // namespace godwit::platform
