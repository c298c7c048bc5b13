// Keys for Wireshark, written only when --keylog names a folder: with them whoever has a capture
// can read the tunnel. The files are those of Wireshark's own tables, readable by the owner alone:
// `ikev1_decryption_table` and `esp_sa`.
#pragma once

#include <string>

#include "core/session/actions.h"

namespace godwit::client {

class KeyLog {
 public:
  explicit KeyLog(std::string folder) : folder_(std::move(folder)) {}

  // False with errno set when a line could not be written.
  bool add(const session::LogIkeKey& key);
  bool add(const session::InstallSa& sas);  // a line for each direction

 private:
  bool append(const char* file, const std::string& line) const;

  std::string folder_;
};

}  // namespace godwit::client
