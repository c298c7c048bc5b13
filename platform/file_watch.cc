#include "platform/file_watch.h"

#include <sys/inotify.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <filesystem>

namespace godwit::platform {

Result<FileWatch, SysError> FileWatch::open(const std::string& path) {
  const std::filesystem::path file(path);
  Fd fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!fd) return fail(last_error("watch files"));
  const std::string folder = file.parent_path().string();
  if (::inotify_add_watch(fd.get(), folder.c_str(), IN_CLOSE_WRITE | IN_MOVED_TO) < 0) {
    return fail(last_error("watch", folder));
  }
  return FileWatch(std::move(fd), file.filename().string());
}

bool FileWatch::was_written() const {
  bool written = false;
  alignas(inotify_event) std::array<char, 4096> buffer;
  while (true) {
    const ssize_t got = ::read(fd_.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return written;
    for (std::size_t at = 0; at + sizeof(inotify_event) <= static_cast<std::size_t>(got);) {
      inotify_event event;
      std::memcpy(&event, buffer.data() + at, sizeof event);
      // After an overrun nobody knows which files were written.
      if ((event.mask & IN_Q_OVERFLOW) != 0) written = true;
      if (event.len > 0 && name_ == buffer.data() + at + sizeof event) written = true;
      at += sizeof event + event.len;
    }
  }
}

}  // namespace godwit::platform
