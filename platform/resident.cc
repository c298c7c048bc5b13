#include "platform/resident.h"

#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <string_view>

namespace godwit::platform {
namespace {

int forget(dl_phdr_info* info, std::size_t /*size*/, void* /*nothing*/) {
  // The kernel's own object is no file that could be read again.
  if (info->dlpi_name != nullptr && std::string_view(info->dlpi_name).starts_with("linux-vdso")) {
    return 0;
  }
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& segment = info->dlpi_phdr[i];
    // Nobody writes to these, so a page that is gone comes back from the file as it was.
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
    const std::uintptr_t begin = (info->dlpi_addr + segment.p_vaddr) & ~(page - 1);
    const std::uintptr_t end = info->dlpi_addr + segment.p_vaddr + segment.p_memsz;
    // They hold no secrets: they need not stay locked (lock_memory()).
    (void)::munlock(reinterpret_cast<void*>(begin), end - begin);
    (void)::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }
  return 0;
}

}  // namespace

void forget_code() { ::dl_iterate_phdr(forget, nullptr); }

}  // namespace godwit::platform
