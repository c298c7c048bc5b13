// `godwit import`: another client's configuration -> a profile and the files that belong to it, all
// of mode 0600. What could not be carried over is said on standard error, a line each.
#pragma once

#include <string>

namespace godwit::client {

struct ImportOptions {
  std::string file;
  std::string name;        // of the profile; empty: the file's
  std::string output;      // a path, "-" for standard output; empty: /etc/godwit/NAME.toml
  std::string connection;  // which one, of files that have several
  bool force = false;      // files that exist are replaced
};

// The exit code: 0 when there is a profile.
int import_file(const ImportOptions& options);

}  // namespace godwit::client
