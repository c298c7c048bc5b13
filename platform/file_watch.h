// Says when a file was written, or another one took its place: its folder is watched, because most
// programs replace a file by renaming.
#pragma once

#include <string>

#include "platform/fd.h"
#include "platform/sys_error.h"

namespace godwit::platform {

class FileWatch {
 public:
  // ENOENT when there is no such folder. The file itself may come later.
  static Result<FileWatch, SysError> open(const std::string& path);

  int fd() const { return fd_.get(); }  // readable when something of the folder was written
  bool was_written() const;             // since the last call; never blocks

 private:
  FileWatch(Fd fd, std::string name) : fd_(std::move(fd)), name_(std::move(name)) {}

  Fd fd_;
  std::string name_;  // within the folder
};

}  // namespace godwit::platform
